"""Where Dovecot keeps mail, in the words of its release: 2.4 on Debian 13, 2.3 on Debian 12."""

from __future__ import annotations

from mailwiz_tui.plan.model import Plan, StorageType
from mailwiz_tui.stack import keys
from mailwiz_tui.stack.component import Context


def mailboxes(context: Context) -> str:
    """The settings of the mailboxes' format and place; the home is ``storage.path/domain/user`` for all.

    With S3, mail is in sdbox, whose alternative storage is on the object store's mount: ``doveadm altmove``
    brings old mail there, new mail is never written to it.
    """
    old = context.codename == "bookworm"
    if context.plan.storage.type is StorageType.S3:
        if old:
            return f"mail_location = sdbox:~/sdbox:ALT={keys.OBJECT_STORE_MOUNT}/%d/%n"
        alternative = f"{keys.OBJECT_STORE_MOUNT}/%{{user | domain}}/%{{user | username}}"
        return f"mail_driver = sdbox\nmail_path = ~/sdbox\nmail_alt_path = {alternative}"
    if old:
        return "mail_location = maildir:~/Maildir\nmaildir_very_dirty_syncs = yes"
    return "mail_driver = maildir\nmail_path = ~/Maildir\nmaildir_very_dirty_syncs = yes"


def mail_format(plan: Plan) -> str:
    """The format of the mailboxes and the kind of place they are in."""
    return {StorageType.MAILDIR: "maildir", StorageType.NFS: "nfs-maildir", StorageType.S3: "sdbox"}[
        plan.storage.type
    ]


def mail_store(plan: Plan) -> str:
    """The file that records where mail is: where it lies elsewhere than planned, the next installation says so
    instead of starting with empty mailboxes."""
    header = "# Managed by mailwiz-tui: the next apply writes this file again. Change nothing here.\n"
    return f"{header}{mail_format(plan)} {plan.storage.path}\n"
