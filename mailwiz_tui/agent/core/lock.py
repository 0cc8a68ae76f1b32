"""One run at a time on a server: a lock that the kernel holds (flock(2)) and drops with its process.

Its content says who began the run, by name and by the id of the controller, and when.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from types import TracebackType

from ..protocol.runs import RunHolder
from .fault import AgentFault
from .host import Host


class RunLock:
    """The lock of ``/var/lib/mailwiz/lock``; its content says who holds it, for display only."""

    def __init__(self, host: Host, run_id: str, by: str, controller: str = "") -> None:
        self._host, self._run_id, self._by, self._controller = host, run_id, by, controller
        self._handle = -1

    def __enter__(self) -> RunLock:
        self._handle = os.open(self._host.state("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._handle)
            holder = read_holder(self._host)
            raise AgentFault(
                f"run {holder.get('run', 'unknown')} of {holder.get('by') or 'another operator'} is in progress",
                "lock", "wait for it, or follow it with: mailwiz-tui monitor PLAN",
            ) from error  # fmt: skip
        os.ftruncate(self._handle, 0)
        held = {"run": self._run_id, "pid": os.getpid(), "since": time.time()}
        text = json.dumps({**held, "by": self._by, "controller": self._controller})
        os.pwrite(self._handle, text.encode(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.ftruncate(self._handle, 0)
        os.close(self._handle)


def read_holder(host: Host) -> dict[str, object]:
    """What the holder wrote of itself; empty where nobody ever held the lock."""
    try:
        with open(host.state("lock"), encoding="utf-8") as handle:
            found = json.load(handle)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def holder_of(host: Host, run_id: str) -> RunHolder:
    """The run that holds the lock, who began it, and for how many seconds it has been held."""
    holder = read_holder(host)
    since = holder.get("since")
    age = time.time() - since if isinstance(since, int | float) else 0.0
    by, controller = (str(holder.get(key, "")) for key in ("by", "controller"))
    return RunHolder(run_id, by, controller, round(max(0.0, age), 1))


def active_run(host: Host) -> str:
    """The id of the run that holds the lock now; empty if none does."""
    try:
        handle = os.open(host.state("lock"), os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return ""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return str(read_holder(host).get("run", "unknown"))
    finally:
        os.close(handle)
    return ""
