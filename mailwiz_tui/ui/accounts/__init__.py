"""The accounts of a running installation."""
