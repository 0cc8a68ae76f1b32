"""The plan in words, before anything is installed."""
