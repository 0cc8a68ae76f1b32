"""Outgoing mail and the TLS policies of its receivers: DANE first (RFC 7672), then MTA-STS (RFC 8461)."""
