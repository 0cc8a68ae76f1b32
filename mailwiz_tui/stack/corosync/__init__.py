"""Membership and quorum of the servers that decide where the store is."""
