"""Postfix (SMTP): MX behind postscreen, submission, and outgoing mail with DANE."""
