"""Dialogs: boxes over a screen that ask one question or show one thing."""
