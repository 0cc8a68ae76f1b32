"""The firewall: a table of its own; other tables stay."""
