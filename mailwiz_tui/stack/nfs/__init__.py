"""Mailboxes on a file server: the NFS export that is mounted before Dovecot starts."""
