"""This server's copy of the accounts, where it has one: brought up to date at once instead of at the next turn."""

from __future__ import annotations

import json
import os
from collections.abc import Collection

from ..core.host import Host
from ..protocol.accounts import CopyState

PROGRAM = "/usr/local/lib/mailwiz/account-copy"
TRANSPORTS = "/var/lib/mailwiz-accounts/postfix/transport.db"
SECONDS = 20.0


def refresh(host: Host, kick: Collection[str], release: Collection[str]) -> CopyState:
    """Reads the accounts and ends the sessions of ``kick``; not fresh where they could not be read.

    Postfix may go by the former stores of mailboxes for some ten seconds, so it reads them anew if they changed.
    Mail that waits for one of ``release`` is tried again at once.
    """
    if not os.path.exists(host.path(PROGRAM)):
        return CopyState(fresh=False)
    before = _version(host)
    done = host.run([PROGRAM], timeout=SECONDS)
    if before and _version(host) != before:
        host.run(["postfix", "reload"], timeout=20)
    for address in kick:
        host.run(["doveadm", "kick", address], timeout=10)
    for queue_id in _waiting(host, release) if release else ():
        host.run(["postqueue", "-i", queue_id], timeout=10)
    return CopyState(fresh=done.ok and not done.text.strip())


def _version(host: Host) -> tuple[int, int] | None:
    try:
        about = os.stat(host.path(TRANSPORTS))
    except OSError:
        return None
    return about.st_ino, about.st_mtime_ns


def _waiting(host: Host, addresses: Collection[str]) -> list[str]:
    """The queue ids of mail for any of the addresses."""
    done = host.run(["postqueue", "-j"], timeout=30)
    found = []
    for line in done.output.decode("utf-8", "replace").splitlines() if done.ok else ():
        try:
            mail = json.loads(line)
        except ValueError:
            continue
        if any(str(r.get("address", "")).lower() in addresses for r in mail.get("recipients", ())):
            found.append(str(mail["queue_id"]))
    return found
