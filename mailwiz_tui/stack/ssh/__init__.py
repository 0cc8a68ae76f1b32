"""sshd with the algorithms that ssh-audit wants, where the plan says so."""
