"""Running an installation for years: accounts, mailbox moves, backups, handover."""
