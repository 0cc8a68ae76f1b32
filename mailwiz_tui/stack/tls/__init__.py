"""The certificate of all services."""
