"""Where in the bucket the old mail of a server is.

A single server has the whole bucket. Each of several stores has a folder of its own, so that none changes or
removes mail of another. A server keeps the place that it had when it was installed: a single server that becomes
one of several stores goes on in the bucket itself, and no mail has to be copied.
"""

from __future__ import annotations

from mailwiz_tui.plan.model import StorageType
from mailwiz_tui.stack.component import Context

FOLDERS = "servers"
"""The folder in the bucket with those of several stores; no domain can have this name."""
KIND = "sdbox"


def folder(context: Context) -> str:
    """The folder of this server in the bucket; empty for the bucket itself."""
    installed = context.facts.mail_store
    if installed is not None and installed.format.partition("@")[0] == KIND:
        return installed.format.partition("@")[2]
    return f"{FOLDERS}/{context.server_id}" if context.topology.mailboxes.on_stores else ""


def mail_kind(context: Context) -> str:
    """The format of the mailboxes and their kind of storage: with the file server, or the folder in the bucket."""
    storage = context.plan.storage
    if storage.type is StorageType.NFS:
        return f"nfs-maildir@{storage.nfs_source}"
    if storage.type is StorageType.S3:
        return f"{KIND}@{folder(context)}" if folder(context) else KIND
    return "maildir"


def bucket(context: Context) -> str:
    """The place of this server's old mail, as rclone names it."""
    place = folder(context)
    return f"store:{context.plan.storage.s3_bucket}" + (f"/{place}" if place else "")
