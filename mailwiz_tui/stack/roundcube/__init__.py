"""Roundcube, the webmail."""
