"""Sender checks of messages, before the spam filter."""
