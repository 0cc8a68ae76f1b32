"""Logs: kept, searched and saved."""
