"""A milter that limits how many recipients one login may send to.

usage: mailwiz-rate-limiter SETTINGS [SETTINGS ...]    JSON objects; a later one has precedence

Recipients are counted for each login in leaky buckets that survive a restart, so that a stolen password sends
little spam. Above the limit a message is deferred (451 4.7.1), so that mail programs try again later. Runs on
servers, with Debian's python3-milter.
"""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
import syslog
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

import Milter


@dataclass(frozen=True)
class Limit:
    """``size`` recipients at once; the bucket drains ``amount`` recipients in ``seconds``."""

    size: float
    amount: float
    seconds: float

    @property
    def rate(self) -> float:
        """Recipients that drain per second."""
        return self.amount / self.seconds

    @property
    def empties_after(self) -> float:
        """Seconds until a full bucket is empty."""
        return self.size / self.rate


class Buckets:
    """The levels of every login's buckets, in an SQLite file."""

    def __init__(self, path: str, limits: Iterable[Limit], clock: Callable[[], float] = time.time) -> None:
        self._limits = tuple(limits)
        self._clock = clock
        self._lock = threading.Lock()
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        # losing a level in a power cut costs less than a sync for each message
        self._database.execute("PRAGMA synchronous = OFF")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS level (account TEXT, bucket INTEGER, level REAL, at REAL,"
            " PRIMARY KEY (account, bucket))"
        )

    def take(self, account: str, count: int) -> bool:
        """Whether ``count`` more recipients fit; only then are they counted.

        A message with more recipients than the size of a bucket passes when the bucket is empty.
        """
        with self._lock:
            now = self._clock()
            levels = [self._level(account, number, limit, now) for number, limit in enumerate(self._limits)]
            for level, limit in zip(levels, self._limits, strict=True):
                if level > 0 and level + count > limit.size:
                    return False
            for number, level in enumerate(levels):
                values = (account, number, level + count, now)
                self._database.execute("REPLACE INTO level VALUES (?, ?, ?, ?)", values)
            longest = max(limit.empties_after for limit in self._limits)
            self._database.execute("DELETE FROM level WHERE at < ?", (now - longest,))
            return True

    def _level(self, account: str, number: int, limit: Limit, now: float) -> float:
        query = "SELECT level, at FROM level WHERE account = ? AND bucket = ?"
        found = self._database.execute(query, (account, number)).fetchone()
        return max(0.0, found[0] - max(0.0, now - found[1]) * limit.rate) if found else 0.0


class RateLimiter(Milter.Base):  # type: ignore[misc]  # python3-milter has no types
    """One connection of Postfix."""

    buckets: ClassVar[Buckets]

    def envfrom(self, sender: str, *rest: str) -> Any:
        """A message begins; Postfix names the login in ``{auth_authen}`` (MILTER_README)."""
        self.account = (self.getsymval("{auth_authen}") or "").lower()
        self.count = 0
        return Milter.CONTINUE

    def envrcpt(self, recipient: str, *rest: str) -> Any:
        """One more recipient."""
        self.count += 1
        return Milter.CONTINUE

    def eom(self) -> Any:
        """The message is complete: count it or defer it."""
        if not self.account or self.buckets.take(self.account, self.count):
            return Milter.CONTINUE
        self.setreply("451", "4.7.1", "You have sent too much mail for now, try again later")
        syslog.syslog(f"deferred a message of {self.account}: above its rate limit")
        return Milter.TEMPFAIL


def settings_from(paths: Iterable[str]) -> dict[str, Any]:
    """The settings of all files that exist; a later file has precedence."""
    settings: dict[str, Any] = {}
    for path in paths:
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as handle:
            settings.update(json.load(handle))
    return settings


def main(paths: list[str]) -> None:
    """Serves Postfix until the process is ended."""
    settings = settings_from(paths)
    syslog.openlog("mailwiz-rate-limiter", syslog.LOG_PID, syslog.LOG_MAIL)
    limits = (Limit(float(size), float(amount), float(seconds)) for size, amount, seconds in settings["limits"])
    RateLimiter.buckets = Buckets(settings["state"], limits)
    Milter.factory = RateLimiter
    Milter.set_flags(0)
    Milter.runmilter("mailwiz-rate-limiter", settings["socket"], 60)


if __name__ == "__main__":
    main(sys.argv[1:])
