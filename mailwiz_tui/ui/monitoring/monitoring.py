"""Monitoring of running servers as a task of the program, independent of the screen that shows it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.ui.logs.log_buffer import LogBuffer
from mailwiz_tui.ui.monitoring.mail_trail import MailTrail
from mailwiz_tui.ui.session.backends import error_sentence
from mailwiz_tui.verify.alerts import Alert, Severity
from mailwiz_tui.verify.health import DRIFT_INTERVAL, Health

if TYPE_CHECKING:
    from mailwiz_tui.verify.sample import Sample
    from mailwiz_tui.verify.watch import DnsDrift, Watcher

INTERVAL = 5.0
LONGEST_WAIT = 60.0
CHECK_INTERVAL, CHECK_AGAIN = 60.0, 15.0
KEPT_MINUTES = 180
KINDS = ("in", "out", "rejected", "deferred")


@dataclass(slots=True)
class ServerWatch:
    """The data about one running server; ``looked`` is the time of the last sample, by the monotonic clock."""

    server_id: str
    health: Health | None = None
    error: str = ""
    looked: float | None = None
    log: LogBuffer = field(default_factory=LogBuffer)
    trail: MailTrail = field(default_factory=MailTrail)
    counts: dict[str, dict[int, int]] = field(default_factory=dict)
    alerts: list[Alert] = field(default_factory=list)

    @property
    def sample(self) -> Sample | None:
        """The server's latest numbers."""
        return self.health.sample if self.health else None

    def take(self, health: Health, at: float) -> None:
        """Store a new health sample."""
        self.health, self.looked, self.error = health, at, ""
        self.alerts = health.alerts
        sample = health.sample
        if sample.log is None:
            return
        if sample.log.left_out:
            self.log.append(f"── {sample.log.left_out} earlier lines are not shown, but counted ──", sample.at)
        for when, program, text in sample.log.lines:
            line = f"{program}: {text}"
            self.log.append(line, when)
            self.trail.learn(line)
        for minute, kind, count in sample.log.minutes:
            known = self.counts.setdefault(kind, {})
            known[minute] = known.get(minute, 0) + count
            if len(known) > KEPT_MINUTES:
                del known[min(known)]

    def per_minute(self, kind: str, minutes: int) -> list[int]:
        """The number of messages of a kind in each of the last minutes, the present one last."""
        if self.sample is None:
            return [0] * minutes
        last = int(self.sample.at) // 60 * 60
        known = self.counts.get(kind, {})
        return [known.get(last - 60 * back, 0) for back in range(minutes - 1, -1, -1)]

    @property
    def severity(self) -> Severity | None:
        """The severity of its worst problem; None if there is none."""
        if self.error:
            return Severity.FAILURE
        return max((t.severity for t in self.alerts), default=None)


class Monitoring:
    """Samples each server every 5 s, runs its own checks every minute, and compares the DNS every 10 min."""

    def __init__(
        self,
        engine: EngineApi,
        watcher: Watcher,
        server_ids: Sequence[str],
        *,
        clock: Callable[[], float] = time.monotonic,
        interval: float = INTERVAL,
    ) -> None:
        self.engine = engine
        self.clock = clock
        self.interval = interval
        self.servers = {i: ServerWatch(i) for i in server_ids}
        self.dns: DnsDrift | None = None
        self.dns_error = ""
        self.revision = 0
        self._watcher = watcher
        self._wake = {i: asyncio.Event() for i in server_ids}
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Start, unless it runs already."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._watch(i), name=f"watch {i}") for i in self.servers]
            self._tasks += [asyncio.create_task(self._check(i), name=f"check {i}") for i in self.servers]
            self._tasks.append(asyncio.create_task(self._watch_dns(), name="watch dns"))

    def look_now(self) -> None:
        """Sample all servers now."""
        for event in self._wake.values():
            event.set()

    async def close(self) -> None:
        """Stop monitoring and close the connections."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.engine.close()

    @property
    def dns_alerts(self) -> list[Alert]:
        """The alerts about the DNS."""
        return self.dns.alerts if self.dns else []

    def everything(self) -> list[tuple[str, Alert]]:
        """All alerts, each with its server or ``DNS``, the worst first; what several servers tell alike, once."""
        found = [
            (w.server_id, Alert(Severity.FAILURE, f"cannot be reached: {w.error}", "the data shown is older"))
            for w in self.servers.values()
            if w.error
        ]
        told: set[Alert] = set()
        for watch in self.servers.values():
            news = [t for t in watch.alerts if not watch.error and t not in told]
            found += [(watch.server_id, t) for t in news]
            told.update(t for t in news if t.shared)
        found += [("DNS", t) for t in self.dns_alerts]
        return sorted(found, key=lambda entry: -entry[1].severity)

    async def _watch(self, server_id: str) -> None:
        watch, wake = self.servers[server_id], self._wake[server_id]
        wait = self.interval
        while True:
            try:
                watch.take(await self._watcher.look(server_id), self.clock())
                wait = self.interval
            except Exception as error:
                watch.error = error_sentence(error)
                wait = min(LONGEST_WAIT, wait * 2)
            self.revision += 1
            wake.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(wake.wait(), wait)

    async def _check(self, server_id: str) -> None:
        """Run a server's own checks regularly, sooner after a failure; ``_watch`` reports connection errors."""
        while True:
            try:
                passed = await self._watcher.check(server_id)
            except OperatorError:
                passed = True
            await asyncio.sleep(CHECK_INTERVAL if passed else CHECK_AGAIN)

    async def _watch_dns(self) -> None:
        while True:
            try:
                self.dns = await self._watcher.drift()
                self.dns_error = ""
            except Exception as error:
                self.dns_error = error_sentence(error)
            self.revision += 1
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._watcher.records_changed.wait(), DRIFT_INTERVAL)
