"""Logs: stored, searched and saved to files."""
