"""The SASL gate: a login that Dovecot cannot check for now is refused for now, not for good."""
