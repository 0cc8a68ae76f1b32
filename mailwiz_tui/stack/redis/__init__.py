"""What the filter remembers: an instance of Redis for Rspamd alone."""
