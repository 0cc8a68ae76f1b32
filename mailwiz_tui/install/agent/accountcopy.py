"""This server's copy of the accounts, where it has one: brought up to date at once instead of at the next turn."""

from __future__ import annotations

import os
from typing import Any

from .host import Host

PROGRAM = "/usr/local/lib/mailwiz/account-copy"
SECONDS = 20.0


def refresh(host: Host, kick: list[str]) -> dict[str, Any]:
    """Reads the accounts and ends the sessions of ``kick``; ``{"fresh"}`` is False where they could not be read."""
    if not os.path.exists(host.path(PROGRAM)):
        return {"fresh": False}
    done = host.run([PROGRAM], timeout=SECONDS)
    for address in kick:
        host.run(["doveadm", "kick", address], timeout=10)
    return {"fresh": done.ok and not done.text.strip()}
