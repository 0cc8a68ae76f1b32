"""The steps of moving a mailbox on the disks of the old and the new store.

The store that the accounts' database names has the mailbox, at every moment. The old one sets it aside
(``block``), so that nothing is added to it or read from it while the last of it is copied; the new one puts the
copy in place (``publish``) before the database is changed; only then the old copy goes to the trash
(``retire``). Each step finds out by itself whether it was taken already, so a move that broke off anywhere is
finished by the same steps, or undone by ``unblock`` and ``discard``.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time

from ..core.fault import AgentFault
from ..core.host import Host, require
from ..protocol.moves import MailboxSize, MailboxState, MessageCount, PublishedMailbox, RetiredMailbox
from . import move_state, old_mail
from .mail_tree import forget_locks, walk
from .move_state import Places, exchange, held, kind, like, places, settle, tombstone

FREE_AFTER = 30.0
"""How long programs may keep files of a mailbox open that was set aside, in seconds."""


def look(host: Host, address: str) -> MailboxState:
    """What of the mailbox is here."""
    there = places(host, address)
    kept, arriving = os.path.isdir(there.kept), os.path.isdir(there.arriving)
    begun = bool(move_state.read(host, address))
    return MailboxState(kind(there.home), kept, arriving, begun)


def claim(host: Host, address: str, token: str, arrives: bool) -> MailboxSize:
    """Takes the mailbox over for a move; any other move of it ends.

    ``arrives``: it is not on this store, and may be brought here. What a move that broke off had put in its place
    already is what arrived, then.
    """
    there, begun = places(host, address), bool(move_state.read(host, address))
    old_mail.require(host, there.old)
    move_state.write(host, address, {**move_state.read(host, address), "token": token})
    with held(host, address, token) as state:
        move_state.make_room(host, there)
        if arrives and not begun:
            old_mail.to_trash(host, there.old, f"{address}-{_stamp()}")
        published = bool(state.pop("published", False)) and arrives
        if published and kind(there.home) == "mail" and not os.path.isdir(there.arriving):
            os.rename(there.home, there.arriving)
        move_state.write(host, address, state)
        size = sum(entry.size for entry in walk(there.source)) if there.source else 0
        messages = there.of(there.source).messages() if there.source else 0
        room = os.statvfs(os.path.dirname(there.kept))
        return MailboxSize(size, messages, room.f_bavail * room.f_frsize)


def block(host: Host, address: str, token: str, store: str) -> MessageCount:
    """Sets the mailbox aside and waits until no program has anything of it open; the messages that it holds."""
    there = places(host, address)
    with held(host, address, token):
        for _ in range(5):
            if kind(there.home) == "tombstone" or not _set_aside(host, there, address, store):
                break
        if kind(there.home) != "tombstone":
            raise AgentFault(f"{there.home} is created again each time it is set aside", "move", "try again")
        settle(os.path.dirname(there.kept))
        _wait_until_free(host, address, there.kept)
        forget_locks(there.kept)
        old_mail.require(host, there.old)
        return MessageCount(there.of(there.kept).messages())


def unblock(host: Host, address: str, token: str) -> None:
    """Puts the mailbox back in its place on the old store."""
    there = places(host, address)
    with held(host, address, token):
        _put_back(there)


def publish(host: Host, address: str, token: str) -> PublishedMailbox:
    """Puts what arrived in the mailbox's place on the new store; says where older mail of it went."""
    there = places(host, address)
    with held(host, address, token) as state:
        move_state.write(host, address, {**state, "published": True})
        put = _swap_in if os.path.isdir(there.arriving) else _clear
        found = put(host, there, address)
        settle(os.path.dirname(there.kept))
        return PublishedMailbox(found)


def discard(host: Host, address: str, token: str) -> None:
    """Takes away what arrived on a store that is not to have it."""
    there = places(host, address)
    with held(host, address, token):
        if os.path.isdir(there.arriving):
            shutil.rmtree(there.arriving)
            old_mail.remove(there.old)


def retire(host: Host, address: str, token: str, store: str) -> RetiredMailbox:
    """Puts the old copy into the trash, now that the mailbox is on ``store``; says where."""
    there = places(host, address)
    with held(host, address, token):
        gone = _to_trash(there.kept, there, address) if os.path.isdir(there.kept) else ""
        if kind(there.home) == "tombstone":
            tombstone(there.home, address, store)
        if os.path.isdir(there.arriving):
            shutil.rmtree(there.arriving)
            if not gone:
                old_mail.remove(there.old)
        old_mail.to_trash(host, there.old, os.path.basename(gone) or f"{address}-{_stamp()}")
        return RetiredMailbox(gone)


def inspect(host: Host, address: str, token: str) -> MessageCount:
    """How many messages Dovecot itself counts in what arrived: it must be able to read what another wrote.

    Where it cannot, its indexes are left out, which it makes anew from the mail.
    """
    there = places(host, address)
    with held(host, address, token):
        if not os.path.isdir(there.arriving):
            return MessageCount(0)
        old_mail.require(host, there.old)
        expected = there.of(there.arriving).messages()
        try:
            counted = _count(host, address, there.arriving)
        except AgentFault:
            counted = -1
        if counted != expected and there.old:
            _doveadm(host, address, there.arriving, "force-resync", "*")
            counted = _count(host, address, there.arriving)
        elif counted != expected:
            for entry in list(walk(there.arriving)):
                if os.path.basename(entry.path).startswith(("dovecot.index", "dovecot.list.index")):
                    os.unlink(os.path.join(there.arriving, entry.path))
            counted = _count(host, address, there.arriving)
        return MessageCount(counted)


def _count(host: Host, address: str, home: str) -> int:
    """Messages by Dovecot's count."""
    lines = _doveadm(host, address, home, "mailbox", "status", "messages", "*").splitlines()
    counts = [line.rpartition("\t")[2] for line in lines if "\t" in line]
    return sum(int(count) for count in counts if count.isdigit())


def _doveadm(host: Host, address: str, home: str, *command: str) -> str:
    """The output of doveadm for a mailbox that is not here yet, so without an account."""
    new = not host.run(["dovecot", "--version"], timeout=10).text.startswith("2.3")
    account = os.stat(home)
    verbs = 2 if command[0] == "mailbox" else 1
    words = [
        "setpriv", f"--reuid={account.st_uid}", f"--regid={account.st_gid}", "--clear-groups", "env",
        f"USER={address}", f"HOME={home}", "doveadm", "-o", f"mail_home={home}", "-f", "tab", *command[:verbs],
        *(["--no-userdb-lookup"] if new else []), *command[verbs:],
    ]  # fmt: skip
    done = require(host.run(words, timeout=300), f"Dovecot cannot read {home}", "move")
    return done.output.decode("utf-8", "replace")


def _set_aside(host: Host, there: Places, address: str, store: str) -> bool:
    """One try to put the tombstone in the mailbox's place; whether another one is needed."""
    if kind(there.home) == "mail":
        if os.path.isdir(there.kept):
            raise AgentFault(f"both {there.home} and {there.kept} exist", "move",
                             "compare them by hand, and remove the one that is not the mailbox")  # fmt: skip
        tombstone(there.kept, address, store)
        with contextlib.suppress(FileNotFoundError):
            exchange(there.kept, there.home)
            return False
        return True
    os.makedirs(os.path.dirname(there.home), mode=0o700, exist_ok=True)
    like(host, os.path.dirname(there.home), os.path.dirname(os.path.dirname(there.home)))
    new = there.tombstone
    tombstone(new, address, store)
    try:
        os.link(new, there.home)
    except FileExistsError:
        return True
    finally:
        os.unlink(new)
    return False


def _put_back(there: Places) -> None:
    if os.path.isdir(there.kept):
        if kind(there.home) == "mail":
            raise AgentFault(f"both {there.home} and {there.kept} exist", "move",
                             "compare them by hand, and remove the one that is not the mailbox")  # fmt: skip
        if kind(there.home) == "tombstone":
            exchange(there.kept, there.home)
            os.unlink(there.kept)
        else:
            os.rename(there.kept, there.home)
    elif kind(there.home) == "tombstone":
        os.unlink(there.home)


def _swap_in(host: Host, there: Places, address: str) -> str:
    """The copy into the mailbox's place; older mail that stood there goes to the trash."""
    stands = kind(there.home)
    if stands == "none":
        os.makedirs(os.path.dirname(there.home), mode=0o700, exist_ok=True)
        like(host, os.path.dirname(there.home), os.path.dirname(os.path.dirname(there.home)))
        os.rename(there.arriving, there.home)
        return ""
    exchange(there.arriving, there.home)
    if stands == "mail":
        return _to_trash(there.arriving, there, address)
    os.unlink(there.arriving)
    return ""


def _clear(host: Host, there: Places, address: str) -> str:
    """An empty mailbox is on its way here: nothing must stand in its place."""
    if kind(there.home) == "mail":
        return _to_trash(there.home, there, address)
    if kind(there.home) == "tombstone":
        os.unlink(there.home)
    return ""


def _to_trash(path: str, there: Places, address: str) -> str:
    os.makedirs(there.trash, mode=0o700, exist_ok=True)
    name = f"{there.trash}/{address}-{_stamp()}"
    place, number = name, 1
    while os.path.lexists(place):
        place, number = f"{name}-{number}", number + 1
    os.rename(path, place)
    return place


def _stamp() -> str:
    return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())


def _wait_until_free(host: Host, address: str, place: str) -> None:
    """Ends the mailbox's sessions and waits until no program holds a file of it: nobody can write to it then."""
    deadline = time.monotonic() + FREE_AFTER
    asked = 0.0
    while _holders(place):
        if time.monotonic() > deadline:
            raise AgentFault("programs still have files of the mailbox open: "
                             f"{', '.join(_holders(place)[:5])}", "move",
                             "on the server: doveadm who; then run the same command again")  # fmt: skip
        if time.monotonic() > asked:
            host.run(["doveadm", "kick", address], timeout=10)
            asked = time.monotonic() + 2
        time.sleep(0.05)


def _holders(place: str) -> list[str]:
    """The programs with an open file below a folder, as ``name (pid)``."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        if pid == str(os.getpid()):
            continue
        with contextlib.suppress(OSError):
            for handle in os.scandir(f"/proc/{pid}/fd"):
                with contextlib.suppress(OSError):
                    if os.readlink(handle.path).startswith(f"{place}/"):
                        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as name:
                            found.append(f"{name.read().strip()} ({pid})")
                        break
    return found
