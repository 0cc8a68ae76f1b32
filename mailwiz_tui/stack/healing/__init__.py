"""Restarts after a crash: the drop-in for every daemon of a blueprint."""
