"""Checks of messages before any filter sees them: whose name they carry."""
