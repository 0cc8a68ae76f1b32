"""A drill of a cluster: the store moves, planned and by force, while every message is counted."""
