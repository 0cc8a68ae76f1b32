"""Accounts on the servers that are not the account store: who may read them there, and the copies elsewhere."""
