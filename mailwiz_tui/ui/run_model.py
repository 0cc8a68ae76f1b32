"""What is known of a running installation, built from the engine's events; screens draw it when they please.

No widget is touched here: events may arrive by the thousand a second, the screen looks four times a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from mailwiz_tui.install.events import (
    Event,
    LogLine,
    Progress,
    ServerChanged,
    ServerPhase,
    StepChanged,
    StepPhase,
)
from mailwiz_tui.ui.log_buffer import LogBuffer
from mailwiz_tui.ui.text import safe_line
from mailwiz_tui.verify.result import CheckResult, CheckState

QUIET_AFTER = 30.0
VERY_QUIET_AFTER = 180.0
AT_REST = frozenset(
    {ServerPhase.WAITING, ServerPhase.DONE, ServerPhase.UNCHANGED, ServerPhase.FAILED, ServerPhase.LOST}
)


@dataclass(slots=True)
class ServerRun:
    """One server's way through the installation; times are of this machine's monotonic clock."""

    server_id: str
    phase: ServerPhase = ServerPhase.WAITING
    detail: str = ""
    advice: str = ""
    step_title: str = ""
    step_index: int = 0
    step_total: int = 0
    failed_step: str = ""
    changed: int = 0
    progress: str = ""
    started: float | None = None
    ended: float | None = None
    last_output: float | None = None
    log: LogBuffer = field(default_factory=LogBuffer)
    checks: dict[str, CheckResult] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether something is under way on this server."""
        return self.phase not in AT_REST

    def elapsed(self, now: float) -> float:
        """Seconds since the first event of this server, until it came to rest."""
        if self.started is None:
            return 0.0
        return (self.ended if self.ended is not None else now) - self.started

    def silence(self, now: float) -> float:
        """Seconds since anything was heard from this server."""
        return now - self.last_output if self.last_output is not None and self.busy else 0.0

    def check_counts(self) -> dict[CheckState, int]:
        """How many checks ended in each state."""
        counts = dict.fromkeys(CheckState, 0)
        for result in self.checks.values():
            counts[result.state] += 1
        return counts


class RunModel:
    """All servers of an installation. ``revision`` grows with every event, so a screen knows when to draw."""

    def __init__(self, server_ids: Iterable[str], clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.servers: dict[str, ServerRun] = {server_id: ServerRun(server_id) for server_id in server_ids}
        self.revision = 0

    def server(self, server_id: str) -> ServerRun:
        """The server's run, made when first heard of."""
        return self.servers.setdefault(server_id, ServerRun(server_id))

    def apply(self, event: Event) -> None:
        """Take in one event of the engine."""
        run = self.server(event.server_id)
        now = self.clock()
        self.revision += 1
        run.last_output = now
        match event:
            case ServerChanged():
                self._server_changed(run, event, now)
            case StepChanged():
                self._step_changed(run, event)
            case LogLine():
                run.log.append(event.text)
            case Progress():
                share = f"{event.done / event.total:.0%} " if event.total else ""
                run.progress = safe_line(f"{share}{event.what}").strip()

    def _server_changed(self, run: ServerRun, event: ServerChanged, now: float) -> None:
        run.phase = event.phase
        run.detail = safe_line(event.detail)
        run.advice = safe_line(event.advice)
        if run.busy:
            run.started = now if run.started is None else run.started
            run.ended = None
        elif event.phase is not ServerPhase.WAITING:
            run.ended = now
            run.progress = ""
        if event.detail:
            run.log.append(f"── {event.phase.value}: {event.detail}")
        if event.advice:
            run.log.append(f"   what to do: {event.advice}")

    def _step_changed(self, run: ServerRun, event: StepChanged) -> None:
        title = safe_line(event.title) or event.step_id
        if event.phase is StepPhase.PENDING:
            run.step_total = event.total
            return
        run.step_index, run.step_total, run.step_title = event.index, event.total, title
        if event.phase is StepPhase.RUNNING:
            run.progress = ""
            run.log.append(f"── step {event.index}/{event.total}: {title}")
            return
        if event.phase is StepPhase.CHANGED:
            run.changed += 1
        if event.phase in (StepPhase.FAILED, StepPhase.INTERRUPTED):
            run.failed_step = title
        tail = f" – {event.detail}" if event.detail else ""
        run.log.append(f"   {event.phase.value}: {title}{tail}")

    def add_check(self, result: CheckResult) -> None:
        """Take in one check's result."""
        self.revision += 1
        self.server(result.server_id).checks[result.id] = result

    @property
    def busy(self) -> bool:
        """Whether any server is still at work."""
        return any(run.busy for run in self.servers.values())

    @property
    def failed(self) -> list[ServerRun]:
        """The servers on which the installation did not come to its end."""
        return [r for r in self.servers.values() if r.phase in (ServerPhase.FAILED, ServerPhase.LOST)]

    def quiet_notice(self, run: ServerRun) -> str:
        """A sentence when a server says nothing for long; empty otherwise."""
        silence = run.silence(self.clock())
        if silence < QUIET_AFTER:
            return ""
        spoken = f"Nothing new for {int(silence) // 60} min {int(silence) % 60} s."
        if silence < VERY_QUIET_AFTER:
            return f"{spoken} Downloads can be slow; waiting is safe."
        return f"{spoken} The run goes on by itself on the server; you may quit and come back."
