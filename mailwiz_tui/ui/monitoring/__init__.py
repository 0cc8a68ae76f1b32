"""The monitor of running servers."""
