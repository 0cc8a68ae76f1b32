"""Other users of apt: its four lock files, the daily timers and cloud-init. The agent waits; it kills nothing."""

from __future__ import annotations

import fcntl
import os
import struct
import time
from collections.abc import Callable

from ..core.fault import AgentFault
from ..core.host import Host

LOCKS = (
    "/var/lib/dpkg/lock-frontend",
    "/var/lib/dpkg/lock",
    "/var/lib/apt/lists/lock",
    "/var/cache/apt/archives/lock",
)
_DAILY = ("apt-daily.service", "apt-daily-upgrade.service")
_FLOCK = "hhqqi"


def holder(path: str) -> int:
    """The process that holds an fcntl lock on a file, or 0; the lock itself is not touched (F_GETLK)."""
    try:
        handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return 0
    try:
        asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
        kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(handle, fcntl.F_GETLK, asked))
    except OSError:
        return 0
    finally:
        os.close(handle)
    return 0 if kind == fcntl.F_UNLCK else int(pid) or -1


def busy(host: Host) -> list[str]:
    """What keeps apt busy now, as words for an operator; empty where it is free."""
    found = []
    for lock in LOCKS:
        if pid := holder(host.path(lock)):
            found.append(f"{_name(pid)} (process {pid}) holds {lock}")
    if host.real and os.path.isdir("/run/systemd/system"):
        done = host.run(["systemctl", "show", "-p", "ActiveState", "--", *_DAILY], timeout=10)
        states = [line.partition("=")[2] for line in done.text.split("\n") if line]
        found += [
            f"{name} is running" for name, state in zip(_DAILY, states, strict=False) if state == "activating"
        ]
    if os.path.exists(host.path("/usr/bin/cloud-init")):
        done = host.run(["cloud-init", "status"], timeout=15)
        if "status: running" in done.text:
            found.append("cloud-init is still running")
    return found


def wait(host: Host, say: Callable[[str], None], timeout: float = 1800.0) -> None:
    """Waits until apt is free, telling every few seconds what it waits for."""
    deadline, told = time.monotonic() + timeout, 0.0
    while reasons := busy(host):
        now = time.monotonic()
        if now > deadline:
            raise AgentFault(f"apt is still busy after {timeout / 60:.0f} minutes: {reasons[0]}", "apt",
                             "look at that process on the server, then run apply again")  # fmt: skip
        if now - told >= 5:
            say(f"waiting for apt: {reasons[0]}")
            told = now
        time.sleep(0.5)


def _name(pid: int) -> str:
    try:
        with open(f"/proc/{pid}/comm", encoding="utf-8", errors="replace") as handle:
            return handle.read().strip()
    except OSError:
        return "another program"
