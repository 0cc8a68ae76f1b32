"""Who guesses passwords is locked out for a while: fail2ban on the journal."""
