"""The store that moves, seen and moved from one of its servers."""
