"""The roles of a plan's servers and their dependencies (mailboxes, filters, signing, relays, waits). Pure."""
