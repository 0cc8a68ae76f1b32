"""Boxes over a screen that ask or tell one thing."""
