"""Where Dovecot stores mail, and the record of it.

With mail on a file server Dovecot's indexes are local, because they are read and locked all the time and can be
rebuilt from the mail. Data that cannot be rebuilt – UIDs, subscriptions, Sieve scripts – is with the mail, so that
another server that mounts the export has it.

With S3, mail is in sdbox, whose alternative storage is on the object store's mount: ``doveadm altmove`` moves old
mail there, new mail is never written to it.
"""

from __future__ import annotations

from mailwiz_tui.plan.model import Plan, StorageType

INDEXES = "/var/lib/mailwiz-indexes"
"""Dovecot's indexes, if the mail is on a file server."""


def mail_kind(plan: Plan) -> str:
    """The format of the mailboxes and their kind of storage, with the file server if there is one."""
    storage = plan.storage
    if storage.type is StorageType.NFS:
        return f"nfs-maildir@{storage.nfs_source}"
    return "sdbox" if storage.type is StorageType.S3 else "maildir"


def mail_store(plan: Plan) -> str:
    """The file that records where mail is: if the plan changes that, the next installation stops with an error
    instead of starting with empty mailboxes."""
    header = "# Managed by mailwiz-tui: the next apply writes this file again. Change nothing here.\n"
    return f"{header}{mail_kind(plan)} {plan.storage.path}\n"
