"""Roundcube (webmail)."""
