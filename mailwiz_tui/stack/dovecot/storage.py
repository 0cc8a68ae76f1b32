"""Where Dovecot keeps mail, in the words of its release: 2.4 on Debian 13, 2.3 on Debian 12."""

from __future__ import annotations

from mailwiz_tui.plan.model import Plan, StorageType
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.dovecot.escape_folders import ESCAPE
from mailwiz_tui.stack.render import quoted

INDEXES = "/var/lib/mailwiz-indexes"
"""Dovecot's indexes, where the mail itself is on a file server."""


def mailboxes(context: Context) -> str:
    """The settings of the mailboxes' format and place; the home is ``storage.path/domain/user`` for all.

    On a file server Dovecot's indexes are local, for they are read and locked at every turn, and can be made
    anew from the mail. What cannot – UIDs, subscriptions, Sieve scripts – lies with the mail, so that another
    server, or another node, that mounts the export has it.

    With S3, mail is in sdbox, whose alternative storage is on the object store's mount: ``doveadm altmove``
    brings old mail there, new mail is never written to it.
    """
    old = context.codename == "bookworm"
    if context.plan.storage.type is StorageType.S3:
        if old:
            return f"mail_location = sdbox:~/sdbox:ALT={layout.OBJECT_STORE_MOUNT}/%d/%n"
        alternative = f"{layout.OBJECT_STORE_MOUNT}/%{{user | domain}}/%{{user | username}}"
        return f"mail_driver = sdbox\nmail_path = ~/sdbox\nmail_alt_path = {alternative}"
    shared = context.plan.storage.type is StorageType.NFS
    local = f"{INDEXES}/%d/%n" if old else f"{INDEXES}/%{{user | domain}}/%{{user | username}}"
    if old:
        place = "mail_location = maildir:~/Maildir" + (f":INDEX={local}" if shared else "")
    else:
        place = "mail_driver = maildir\nmail_path = ~/Maildir" + (f"\nmail_index_path = {local}" if shared else "")
    escape = "" if old else f"\n{_WHY_ESCAPED}\nmailbox_list_storage_escape_char = {quoted(ESCAPE)}"
    return f"{place}\nmaildir_very_dirty_syncs = yes{escape}" + (f"\n{_ON_NFS}" if shared else "")


_DOCS_24 = "https://doc.dovecot.org/2.4.1/core/summaries/settings.html#mailbox_list_storage_escape_char"
_DOCS_23 = "https://doc.dovecot.org/2.3/configuration_manual/plugins/listescape_plugin/"
_WHY_ESCAPED = f"""\
# Maildir++ keeps a/b in ".a.b", so dots in a folder's own name are escaped ("2024.1" is ".2024\\2e1").
# {_DOCS_24}"""


def escape_plugin(context: Context) -> dict[str, str]:
    """The same for Dovecot 2.3, where a plugin does it: its name and its setting."""
    if context.plan.storage.type is StorageType.S3:
        return {"escape_plugin": "", "escape": ""}
    why = _WHY_ESCAPED.replace("# ", "  # ").replace(_DOCS_24, _DOCS_23)
    setting = f"\n{why}\n  listescape_char = {quoted(ESCAPE)}\n"
    return {"escape_plugin": " listescape", "escape": setting}


_ON_NFS = """\
# On the file server: nothing is mapped into memory, every write is synced, directories are looked up anew.
mmap_disable = yes
mail_fsync = always
mail_nfs_storage = yes
mail_nfs_index = no"""


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
