"""The state of a mailbox move on one store: the places of the mailbox, and the move that may touch it.

Nothing is ever merged or written over: a mailbox changes its place by a rename, and where something stands in
its place, by an exchange of the two names in one stroke (renameat2(2)). A file of that name, the *tombstone*, keeps
Dovecot from creating the mailbox again on the old store: mail for it is deferred, and no login reads an empty one.

A move is known by a token. A new claim of a mailbox ends the earlier move, whose further steps are refused: a
controller that was believed dead does no harm when it continues.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

from ..accounts.addresses import address_of
from ..accounts.mailboxes import home_of
from ..core import files
from ..core.fault import AgentFault
from ..core.host import Host
from . import old_mail
from .mail_tree import Parts

_EXCHANGE = 2
_AT_FDCWD = -100
PATIENCE = 60.0
"""How long a step waits for another step with the same mailbox, in seconds."""


@dataclass(frozen=True)
class Places:
    """``home``: where Dovecot looks; ``kept``: the mailbox set aside on the old store; ``arriving``: the copy on
    the new one; ``trash``: where the old copy goes in the end. All on one file system. ``old``: the mailbox's old
    mail in the object store, empty without one.

    ``tombstone`` is where one is written before it takes the place of ``home``.
    """

    home: str
    kept: str
    arriving: str
    trash: str
    old: str = ""

    def of(self, root: str) -> Parts:
        """The mailbox whose home is ``root``, with its old mail."""
        return Parts(root, self.old)

    @property
    def tombstone(self) -> str:
        return f"{os.path.dirname(self.kept)}/tombstone"

    @property
    def source(self) -> str:
        """Where the mailbox is to be copied from; empty where it has no mail yet."""
        return next((place for place in (self.kept, self.home) if os.path.isdir(place)), "")


def places(host: Host, address: str) -> Places:
    """The places of a mailbox on this server. Raises AgentFault where Dovecot does not tell."""
    address = address_of(address)
    home = home_of(host, address)
    if not home:
        raise AgentFault(
            "Dovecot did not report where mailboxes are (mail_home)", "move", "on the server: doveconf mail_home"
        )
    root = host.path(os.path.dirname(os.path.dirname(home)))
    base = f"{root}/.mailwiz-moves/{address}"
    old = old_mail.folder(host, address)
    return Places(host.path(home), f"{base}/kept", f"{base}/arriving", f"{root}/.mailwiz-trash", old)


def kind(path: str) -> str:
    """``mail`` for a mailbox, ``tombstone`` for a file in its place, ``none``."""
    return "mail" if os.path.isdir(path) else "tombstone" if os.path.lexists(path) else "none"


def exchange(one: str, other: str) -> None:
    """Exchanges two names atomically. Raises OSError."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.renameat2(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _EXCHANGE) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), one)


def settle(path: str) -> None:
    """Everything written to the file system of a path is on the disk when this returns."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(path, os.O_RDONLY)
    try:
        if libc.syncfs(handle) != 0:
            os.sync()
    finally:
        os.close(handle)


def tombstone(path: str, address: str, store: str) -> None:
    """Writes the tombstone, a file that says where the mailbox is."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        out.write(f"Managed by mailwiz-tui: the mailbox {address} is on {store}, or is being moved there.\n")


def make_room(host: Host, there: Places) -> None:
    """The folder beside the mailboxes that a move works in; proves that names can be exchanged there."""
    base = os.path.dirname(there.kept)
    root = os.path.dirname(os.path.dirname(base))
    for folder in (os.path.dirname(base), base):
        os.makedirs(folder, mode=0o700, exist_ok=True)
        like(host, folder, root)
    one, other = f"{base}/one", f"{base}/other"
    for path in (one, other):
        with open(path, "w", encoding="utf-8"):
            pass
    try:
        exchange(one, other)
    except OSError as error:
        raise AgentFault(f"the file system of {root} cannot exchange two names (renameat2): "
                         f"{error.strerror}", "move",
                         "mailboxes can be moved on ext4, xfs, btrfs, tmpfs or newer ZFS") from None  # fmt: skip
    finally:
        os.unlink(one)
        os.unlink(other)


def like(host: Host, path: str, model: str) -> None:
    """Gives a path the owner of the model."""
    if host.can_chown:
        owner = os.stat(model)
        os.chown(path, owner.st_uid, owner.st_gid)


def read(host: Host, address: str) -> dict[str, object]:
    """The stored state of a mailbox's move on this server; empty without one."""
    try:
        with open(_file(host, address, "json"), encoding="utf-8") as handle:
            found = json.load(handle)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def write(host: Host, address: str, state: dict[str, object]) -> None:
    """Writes it down."""
    host.make_state_dirs()
    os.makedirs(host.state("moves"), mode=0o700, exist_ok=True)
    files.write(host, f"/var/lib/mailwiz/moves/{address_of(address)}.json", json.dumps(state).encode(), 0o600)


def end(host: Host, address: str, token: str) -> None:
    """Ends a move here: no further step of it is taken, and its folder goes if nothing is in it."""
    with held(host, address, token):
        there = places(host, address)
        base = os.path.dirname(there.kept)
        # "stone" is what a version before called the tombstone; one that was broken off may have left it
        for path in (there.kept, there.tombstone, f"{base}/stone", base):
            with contextlib.suppress(OSError):
                os.unlink(path) if os.path.isfile(path) else os.rmdir(path)
        forget(host, address)


def forget(host: Host, address: str) -> None:
    """Nothing is written down any more."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(_file(host, address, "json"))


def check(host: Host, address: str, token: str) -> dict[str, object]:
    """What is written down, if the move is still the one that may go on. Raises AgentFault."""
    state = read(host, address)
    if state.get("token") != token:
        raise AgentFault(f"another move of {address} was started since, or this one was ended", "move",
                         "see: mailwiz-tui mailbox list PLAN")  # fmt: skip
    return state


@contextlib.contextmanager
def held(host: Host, address: str, token: str) -> Iterator[dict[str, object]]:
    """One step at a time with a mailbox, and only of the move that may go on; gives what is written down."""
    host.make_state_dirs()
    os.makedirs(host.state("moves"), mode=0o700, exist_ok=True)
    with open(_file(host, address, "lock"), "w", encoding="utf-8") as lock:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise AgentFault(f"an earlier move of {address} is still in progress on the server", "move",
                                     "it ends by itself; try again in 1 min") from None  # fmt: skip
                time.sleep(0.1)
        yield check(host, address, token)


def _file(host: Host, address: str, ending: str) -> str:
    return host.state("moves", f"{address_of(address)}.{ending}")
