"""Proves, from outside and with real protocols, that what was planned now works."""
