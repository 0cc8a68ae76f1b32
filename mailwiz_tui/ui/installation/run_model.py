"""The state of an installation, built from the engine's events; screens draw it.

No widget is updated here: thousands of events may arrive in a second, the screen draws four times a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable

from mailwiz_tui.deploy.events import (
    Event,
    LogLine,
    Progress,
    ServerChanged,
    ServerPhase,
    StepChanged,
    StepPhase,
    Waiting,
)
from mailwiz_tui.ui.installation.server_run import ServerRun, Span, StepRun
from mailwiz_tui.ui.terminal.text import safe_line
from mailwiz_tui.verify.result import CheckResult

QUIET_AFTER = 30.0
VERY_QUIET_AFTER = 180.0


class RunModel:
    """All servers of an installation. ``revision`` grows with every event, so that a screen knows when to draw."""

    def __init__(
        self,
        server_ids: Iterable[str],
        clock: Callable[[], float] = time.monotonic,
        span: Span = lambda step_id: None,
    ) -> None:
        self.clock = clock
        self.span = span
        self.servers: dict[str, ServerRun] = {server_id: ServerRun(server_id) for server_id in server_ids}
        self.revision = 0

    def server(self, server_id: str) -> ServerRun:
        """The server's run, created at its first event."""
        run = self.servers.get(server_id)
        if run is None:
            run = self.servers[server_id] = ServerRun(server_id)
        return run

    def apply(self, event: Event) -> None:
        """Update the model from one event of the engine."""
        run = self.server(event.server_id)
        now = self.clock()
        self.revision += 1
        run.last_output = now
        if run.attached and not isinstance(event, ServerChanged):
            run.last_output = run.when(event.at, now)
        match event:
            case ServerChanged():
                self._server_changed(run, event, now)
            case StepChanged():
                self._step_changed(run, event, now)
            case LogLine():
                run.log.append(event.text, event.at)
            case Waiting():
                run.waits_for = "" if event.over else safe_line(f"{event.on}: {event.what}")
                run.waits_since = run.when(event.at, now)
            case Progress():
                share = f"{event.done / event.total:.0%} " if event.total else ""
                run.progress = safe_line(f"{share}{event.what}").strip()

    def _server_changed(self, run: ServerRun, event: ServerChanged, now: float) -> None:
        run.phase = event.phase
        run.detail = safe_line(event.detail)
        run.advice = safe_line(event.advice)
        if event.elapsed is not None:
            run.attached, run.own = run.detail, event.own
            run.run_began, run.run_began_at = now - event.elapsed, 0.0
            run.started = run.run_began if run.started is None else min(run.started, run.run_began)
        elif event.phase in (ServerPhase.CONNECTING, ServerPhase.PREPARING):
            run.attached, run.own, run.run_began = "", False, None
        if run.busy:
            run.started = now if run.started is None else run.started
            run.ended = None
        elif event.phase is not ServerPhase.WAITING:
            run.ended = now
            run.progress = run.waits_for = ""
        if event.detail:
            run.log.append(f"── {event.phase.value}: {event.detail}", event.at)
        if event.advice:
            run.log.append(f"   what to do: {event.advice}", event.at)

    def _step_changed(self, run: ServerRun, event: StepChanged, now: float) -> None:
        title = safe_line(event.title) or event.step_id
        if event.phase is StepPhase.PENDING and event.index == 1:
            run.steps = {}
            run.run_began = now if run.run_began is None else run.run_began
            run.run_began_at = event.at
        step = run.steps.setdefault(event.index, StepRun(event.step_id, title))
        step.phase, step.detail = event.phase, safe_line(event.detail)
        if event.phase is StepPhase.PENDING:
            run.step_total = event.total
            step.optional = event.optional
            return
        run.step_total = event.total
        if event.phase is StepPhase.RUNNING:
            run.step_index, run.step_title = event.index, title
            step.began, step.began_at, step.ended = run.when(event.at, now), event.at, None
            run.progress = ""
            run.failed_step = ""
            run.log.append(f"── step {event.index}/{event.total}: {title}", event.at)
            return
        step.ended = now
        run.waits_for = ""
        if step.began is not None and step.began_at and event.at:
            step.ended = step.began + max(0.0, event.at - step.began_at)
        if event.phase is StepPhase.SKIPPED:
            run.step_index = event.index
        if event.phase in (StepPhase.SKIPPED, StepPhase.NOT_REACHED):
            run.log.append(f"   {event.phase.value.replace('-', ' ')}: {title}", event.at)
            return
        run.step_index, run.step_title = event.index, title
        if event.phase is StepPhase.CHANGED:
            run.changed += 1
        if event.phase in (StepPhase.FAILED, StepPhase.INTERRUPTED):
            run.failed_step = title
        tail = f" – {event.detail}" if event.detail else ""
        run.log.append(f"   {event.phase.value}: {title}{tail}", event.at)

    def add_check(self, result: CheckResult) -> None:
        """Store one check's result."""
        self.revision += 1
        self.server(result.server_id).checks[result.id] = result

    @property
    def busy(self) -> bool:
        """Whether any server is still being installed."""
        return any(run.busy for run in self.servers.values())

    @property
    def failed(self) -> list[ServerRun]:
        """The servers on which the installation failed or was lost."""
        return [r for r in self.servers.values() if r.phase in (ServerPhase.FAILED, ServerPhase.LOST)]

    def remaining(self) -> tuple[float, float] | None:
        """Seconds until the last server is done, as minimum and maximum; None without data of earlier runs."""
        now = self.clock()
        spans = [run.remaining(now, self.span) for run in self.servers.values() if run.busy]
        known = [span for span in spans if span is not None]
        if not known or len(known) < len(spans):
            return None
        return max(low for low, _ in known), max(high for _, high in known)

    def quietest(self) -> ServerRun | None:
        """The busy server with the longest time since its last output."""
        now = self.clock()
        return max((r for r in self.servers.values() if r.busy), key=lambda r: r.silence(now), default=None)

    def quiet_notice(self, run: ServerRun) -> str:
        """A sentence if a server had no output for a long time; empty otherwise."""
        silence = run.silence(self.clock())
        if silence < QUIET_AFTER:
            return ""
        if waiting := run.waiting(self.clock()):
            return waiting
        quiet = f"no output for {_duration(silence)}"
        if run.phase is ServerPhase.RECONNECTING:
            return f"{quiet}: the connection is lost; the installation continues on the server"
        if run.phase is ServerPhase.CONNECTING:
            return f"{quiet}: still connecting; is the server on, and does a firewall block SSH?"
        if run.phase is ServerPhase.PREPARING:
            return f"{quiet}: the server is slow to answer; waiting is safe"
        if silence < VERY_QUIET_AFTER:
            return f"{quiet}: usually a slow download; waiting is safe"
        return f"{quiet}: it continues on the server; you may quit and return later"


def _duration(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"
