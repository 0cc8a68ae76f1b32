"""The part of a mailbox that is in an object store: where it is mounted, and what a move does with it.

It is under the same path on each store, but each store has a folder of its own in the bucket. So a move copies old
mail through both mounts: to its final place, because the object store would copy each message again to rename it.
"""

from __future__ import annotations

import os
import shutil

from ..core.fault import AgentFault
from ..core.host import Host
from ..facts import mail_store

MOUNT = "/var/lib/mailwiz-objectstore/mail"
TRASH = ".mailwiz-trash"


def folder(host: Host, address: str) -> str:
    """The folder with a mailbox's old mail on this server; empty if old mail is not in an object store."""
    local, _, domain = address.rpartition("@")
    return host.path(f"{MOUNT}/{domain}/{local}") if mail_store.kind(host).partition("@")[0] == "sdbox" else ""


def require(host: Host, old: str) -> None:
    """Raises ``AgentFault`` while old mail cannot be seen: a move would leave it behind."""
    if old and not os.path.ismount(host.path(MOUNT)):
        raise AgentFault("the object store with old mail is not mounted", "move",
                         "on the server: systemctl restart mailwiz-objectstore")  # fmt: skip


def to_trash(host: Host, old: str, name: str) -> None:
    """Puts a mailbox's old mail into the trash in the bucket, under this name."""
    if old and os.path.isdir(old):
        trash = host.path(f"{MOUNT}/{TRASH}")
        os.makedirs(trash, exist_ok=True)
        os.rename(old, f"{trash}/{name}")


def remove(old: str) -> None:
    """Deletes a mailbox's old mail."""
    if old and os.path.isdir(old):
        shutil.rmtree(old)
