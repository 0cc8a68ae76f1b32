"""What the gates share: a socket that systemd keeps open, and a program that passes its connections on."""
