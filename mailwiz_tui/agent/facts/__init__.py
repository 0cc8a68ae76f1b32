"""What a server is: its system, network, mail software and mail."""
