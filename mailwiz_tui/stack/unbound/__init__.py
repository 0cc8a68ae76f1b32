"""The server's own validating resolver (unbound)."""
