"""fail2ban: bans clients that guess passwords, from the journal."""
