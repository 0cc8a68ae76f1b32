"""sshd with the algorithms that ssh-audit recommends, if the plan asks for them."""
