"""The screens of the eight steps."""
