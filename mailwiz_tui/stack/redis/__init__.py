"""Redis (Rspamd's statistics): an instance for Rspamd alone."""
