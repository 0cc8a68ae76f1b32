"""Moves of mailboxes from one store to another."""
