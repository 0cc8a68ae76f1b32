"""Where Dovecot keeps mail, and the record of it.

On a file server Dovecot's indexes are local, for they are read and locked at every turn, and can be made anew from
the mail. What cannot – UIDs, subscriptions, Sieve scripts – lies with the mail, so that another server, or another
node, that mounts the export has it.

With S3, mail is in sdbox, whose alternative storage is on the object store's mount: ``doveadm altmove`` brings old
mail there, new mail is never written to it.
"""

from __future__ import annotations

from mailwiz_tui.plan.model import Plan, StorageType

INDEXES = "/var/lib/mailwiz-indexes"
"""Dovecot's indexes, where the mail itself is on a file server."""


def mail_kind(plan: Plan) -> str:
    """The format of the mailboxes and the kind of place they are in: which file server, if they are on one."""
    storage = plan.storage
    if storage.type is StorageType.NFS:
        return f"nfs-maildir@{storage.nfs_source}"
    return "sdbox" if storage.type is StorageType.S3 else "maildir"


def mail_store(plan: Plan) -> str:
    """The file that records where mail is: where it lies elsewhere than planned, the next installation says so
    instead of starting with empty mailboxes."""
    header = "# Managed by mailwiz-tui: the next apply writes this file again. Change nothing here.\n"
    return f"{header}{mail_kind(plan)} {plan.storage.path}\n"
