"""The common part of the gates: a socket that systemd keeps open, and a program that passes its connections on."""
