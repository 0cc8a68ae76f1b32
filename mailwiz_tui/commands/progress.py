"""Prints an installation's events as lines that read well in a terminal and in a CI log."""

from __future__ import annotations

import time

from mailwiz_tui.commands.terminal import say
from mailwiz_tui.install.events import Event, LogLine, Progress, ServerChanged, StepChanged, StepPhase

_QUIET = {StepPhase.PENDING, StepPhase.OK}


class ProgressPrinter:
    """One line for each phase of a server and each step that did something; log lines only of failed steps."""

    def __init__(self, tail: int = 15) -> None:
        self._tail = tail
        self._lines: dict[tuple[str, str], list[str]] = {}
        self._started: dict[tuple[str, str], float] = {}

    def __call__(self, event: Event) -> None:
        """Print the event, if it is worth a line."""
        if isinstance(event, ServerChanged):
            advice = f" – {event.advice}" if event.advice else ""
            detail = f": {event.detail}" if event.detail else ""
            say(f"{event.server_id}: {event.phase.value}{detail}{advice}")
        elif isinstance(event, StepChanged):
            self._step(event)
        elif isinstance(event, LogLine):
            lines = self._lines.setdefault((event.server_id, event.step_id), [])
            lines.append(event.text)
            del lines[: -self._tail]
        elif isinstance(event, Progress):
            return

    def _step(self, event: StepChanged) -> None:
        key = (event.server_id, event.step_id)
        if event.phase is StepPhase.RUNNING:
            self._started.setdefault(key, time.monotonic())
            self._lines.pop(key, None)
        if event.phase in _QUIET:
            return
        took = ""
        if event.phase is not StepPhase.RUNNING and key in self._started:
            took = f" ({time.monotonic() - self._started[key]:.1f} s)"
        detail = f": {event.detail}" if event.detail else ""
        say(
            f"{event.server_id}: [{event.index:>2}/{event.total}] {event.title} – {event.phase.value}{took}{detail}"
        )
        if event.phase is StepPhase.FAILED:
            for line in self._lines.get(key, []):
                say(f"{event.server_id}:     | {line}")
