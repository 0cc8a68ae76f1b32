"""Where Dovecot stores mail, and the record of it.

With mail on a file server Dovecot's indexes are local, because they are read and locked all the time and can be
rebuilt from the mail. Data that cannot be rebuilt – UIDs, subscriptions, Sieve scripts – is with the mail, so that
another server that mounts the export has it.

With S3, mail is in sdbox, whose alternative storage is on the object store's mount: ``doveadm altmove`` moves old
mail there, new mail is never written to it.
"""

from __future__ import annotations

from mailwiz_tui.stack.bucket import mail_kind
from mailwiz_tui.stack.component import Context

INDEXES = "/var/lib/mailwiz-indexes"
"""Dovecot's indexes, if the mail is on a file server."""


def mail_store(context: Context) -> str:
    """The file that records where mail is: if the plan changes that, the next installation stops with an error
    instead of starting with empty mailboxes."""
    header = "# Managed by mailwiz-tui: the next apply writes this file again. Change nothing here.\n"
    return f"{header}{mail_kind(context)} {context.plan.storage.path}\n"
