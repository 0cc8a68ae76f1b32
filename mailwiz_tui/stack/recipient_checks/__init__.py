"""Recipient checks before a message is accepted, and the recipients of bounces."""
