"""The firewall: a table of our own, nothing else is touched."""
