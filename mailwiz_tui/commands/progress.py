"""Prints an installation's events as lines that read well in a terminal and in a CI log."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field

from mailwiz_tui.commands.terminal import say
from mailwiz_tui.deploy.events import Event, LogLine, Progress, ServerChanged, StepChanged, StepPhase, Waiting

PATIENCE = 1.0
"""Seconds after which a running step gets a line; quicker ones get one only if they changed something."""
HEARTBEAT = 10.0
"""Seconds between two lines on how far a long step is."""


@dataclass
class _Running:
    started: float
    announcement: asyncio.TimerHandle
    told: float
    log: list[str] = field(default_factory=list)


class ProgressPrinter:
    """One line for each phase of a server and each step that did something; the log only of failed steps."""

    def __init__(self, tail: int = 15) -> None:
        self._tail = tail
        self._running: dict[tuple[str, str], _Running] = {}

    def __call__(self, event: Event) -> None:
        """Print the event, if it is worth a line. Must be called within the event loop."""
        if isinstance(event, ServerChanged):
            advice = f" – {event.advice}" if event.advice else ""
            detail = f": {event.detail}" if event.detail else ""
            say(f"{event.server_id}: {event.phase.value}{detail}{advice}")
        elif isinstance(event, StepChanged):
            self._step(event)
        elif isinstance(event, LogLine):
            if running := self._running.get((event.server_id, event.step_id)):
                running.log.append(event.text)
                del running.log[: -self._tail]
        elif isinstance(event, Waiting):
            if not event.over:
                say(f"{event.server_id}:         waiting for {event.on}: {event.what}")
        elif isinstance(event, Progress):
            self._progress(event)

    def _step(self, event: StepChanged) -> None:
        key = (event.server_id, event.step_id)
        if event.phase is StepPhase.RUNNING:
            self._forget(key)
            announce = asyncio.get_running_loop().call_later(PATIENCE, say, _headline(event, "running"))
            now = time.monotonic()
            self._running[key] = _Running(now, announce, now)
            return
        running = self._forget(key)
        if event.phase in (StepPhase.PENDING, StepPhase.OK):
            return
        took = f" ({time.monotonic() - running.started:.1f} s)" if running else ""
        detail = f": {event.detail}" if event.detail else ""
        say(_headline(event, f"{event.phase.value}{took}{detail}"))
        if event.phase is StepPhase.FAILED and running:
            for line in running.log:
                say(f"{event.server_id}:     | {line}")

    def _progress(self, event: Progress) -> None:
        running = self._running.get((event.server_id, event.step_id))
        now = time.monotonic()
        if running and now - running.told >= HEARTBEAT and event.total:
            running.told = now
            say(f"{event.server_id}:         {event.done / event.total:.0%} {event.what}")

    def _forget(self, key: tuple[str, str]) -> _Running | None:
        running = self._running.pop(key, None)
        if running:
            running.announcement.cancel()
        return running


def _headline(event: StepChanged, state: str) -> str:
    return f"{event.server_id}: [{event.index:>2}/{event.total}] {event.title} – {state}"
