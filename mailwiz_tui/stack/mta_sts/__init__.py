"""TLS policies of outgoing mail: DANE first (RFC 7672), then MTA-STS (RFC 8461)."""
