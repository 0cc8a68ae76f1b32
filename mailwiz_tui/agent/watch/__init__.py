"""The state of a running server, for the monitor."""
