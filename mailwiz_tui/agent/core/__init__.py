"""Carrying out a run: blueprint, steps, journal, lock, state, and what may be undone."""
