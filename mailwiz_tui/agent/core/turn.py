"""One verification at a time on a server: a lock that the kernel holds (flock(2)) and drops with its process.

Two at once would share the probe mailbox and end each other's exemption from fail2ban.
"""

from __future__ import annotations

import fcntl
import os

from .host import Host


class Turn:
    """The lock while it is held."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    def end(self) -> None:
        """Lets the next verification begin."""
        os.close(self._handle)


def take(host: Host) -> Turn | None:
    """The turn, or None while another verification has it."""
    handle = os.open(host.state("verification"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(handle)
        return None
    return Turn(handle)
