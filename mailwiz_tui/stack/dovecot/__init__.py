"""Mailboxes: Dovecot with IMAP, LMTP, ManageSieve, and authentication for Postfix."""
