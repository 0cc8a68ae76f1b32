"""Backup: a daily encrypted copy of accounts, mail and the operator's own configuration, by restic."""
