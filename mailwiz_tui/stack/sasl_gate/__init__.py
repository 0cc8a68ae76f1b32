"""The SASL gate: a login that Dovecot cannot verify now fails temporarily (454), not for good (535)."""
