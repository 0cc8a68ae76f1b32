"""What is known of a running installation, built from the engine's events; screens draw it when they please.

No widget is touched here: events may arrive by the thousand a second, the screen looks four times a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

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
from mailwiz_tui.ui.logs.log_buffer import LogBuffer
from mailwiz_tui.ui.terminal.text import safe_line
from mailwiz_tui.verify.result import CheckResult, CheckState

QUIET_AFTER = 30.0
VERY_QUIET_AFTER = 180.0
AT_REST = frozenset(
    {ServerPhase.WAITING, ServerPhase.DONE, ServerPhase.UNCHANGED, ServerPhase.FAILED, ServerPhase.LOST}
)


Span = Callable[[str], tuple[float, float] | None]


@dataclass(slots=True)
class StepRun:
    """One step of a server's run; times are of this machine's monotonic clock."""

    step_id: str
    title: str
    phase: StepPhase = StepPhase.PENDING
    detail: str = ""
    optional: bool = False
    began: float | None = None
    began_at: float = 0.0
    ended: float | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more will happen in it."""
        return self.phase not in (StepPhase.PENDING, StepPhase.RUNNING)

    def seconds(self, now: float) -> float | None:
        """How long it has taken, or None where it has not begun."""
        return None if self.began is None else (self.ended if self.ended is not None else now) - self.began


@dataclass(slots=True)
class ServerRun:
    """One server's way through the installation; times are of this machine's monotonic clock.

    ``attached`` says whose run is followed where it was under way before, ``own`` that it was begun from here.
    ``run_began`` is when its run began, ``run_began_at`` the same by the server's clock (0: not told yet).
    """

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
    waits_for: str = ""
    waits_since: float = 0.0
    steps: dict[int, StepRun] = field(default_factory=dict)
    attached: str = ""
    own: bool = False
    run_began: float | None = None
    run_began_at: float = 0.0
    started: float | None = None
    ended: float | None = None
    last_output: float | None = None
    log: LogBuffer = field(default_factory=LogBuffer)
    checks: dict[str, CheckResult] = field(default_factory=dict)

    def waiting(self, now: float) -> str:
        """What another server has to provide first, and how long it has been waited for; empty where nothing is."""
        if not self.waits_for:
            return ""
        minutes, seconds = divmod(int(max(0.0, now - self.waits_since)), 60)
        return f"waiting for {self.waits_for} ({minutes}:{seconds:02})"

    @property
    def stuck_at(self) -> StepRun | None:
        """The step that failed, while the server stands still because of it."""
        if self.phase is not ServerPhase.FAILED:
            return None
        return next((s for s in self.steps.values() if s.phase is StepPhase.FAILED), None)

    @property
    def skipped(self) -> list[StepRun]:
        """The steps that were left out at the operator's wish."""
        return [s for s in self.steps.values() if s.phase is StepPhase.SKIPPED]

    @property
    def good(self) -> bool:
        """Whether the server is as planned."""
        return self.phase in (ServerPhase.DONE, ServerPhase.UNCHANGED)

    @property
    def busy(self) -> bool:
        """Whether something is under way on this server."""
        return self.phase not in AT_REST

    def elapsed(self, now: float) -> float:
        """Seconds since the run began or, before it, since the first event; until the server came to rest."""
        if self.started is None:
            return 0.0
        return (self.ended if self.ended is not None else now) - self.started

    def when(self, at: float, now: float) -> float:
        """The moment ``at`` of the server's clock by ours, counted from the run's begin; never after ``now``."""
        if self.run_began is None or not self.run_began_at or not at:
            return now
        return min(now, self.run_began + max(0.0, at - self.run_began_at))

    def silence(self, now: float) -> float:
        """Seconds since anything was heard from this server."""
        return now - self.last_output if self.last_output is not None and self.busy else 0.0

    def remaining(self, now: float, span: Span) -> tuple[float, float] | None:
        """Seconds still to go, at best and at worst, by earlier runs; None where they do not tell."""
        low = high = 0.0
        if not self.busy or len(self.steps) < max(1, self.step_total):
            return None
        for step in self.steps.values():
            if step.over:
                continue
            known = span(step.step_id)
            if known is None:
                return None
            spent = step.seconds(now) or 0.0
            low += max(0.0, known[0] - spent)
            high += max(0.0, known[1] - spent)
        return low, high

    def check_counts(self) -> dict[CheckState, int]:
        """How many checks ended in each state."""
        counts = dict.fromkeys(CheckState, 0)
        for result in self.checks.values():
            counts[result.state] += 1
        return counts


class RunModel:
    """All servers of an installation. ``revision`` grows with every event, so a screen knows when to draw."""

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
        """The server's run, made when first heard of."""
        run = self.servers.get(server_id)
        if run is None:
            run = self.servers[server_id] = ServerRun(server_id)
        return run

    def apply(self, event: Event) -> None:
        """Take in one event of the engine."""
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

    def remaining(self) -> tuple[float, float] | None:
        """Seconds until the last server is done, at best and at worst; None where earlier runs do not tell."""
        now = self.clock()
        spans = [run.remaining(now, self.span) for run in self.servers.values() if run.busy]
        known = [span for span in spans if span is not None]
        if not known or len(known) < len(spans):
            return None
        return max(low for low, _ in known), max(high for _, high in known)

    def quietest(self) -> ServerRun | None:
        """The server at work that has said nothing for longest."""
        now = self.clock()
        return max((r for r in self.servers.values() if r.busy), key=lambda r: r.silence(now), default=None)

    def quiet_notice(self, run: ServerRun) -> str:
        """A sentence when a server says nothing for long; empty otherwise."""
        silence = run.silence(self.clock())
        if silence < QUIET_AFTER:
            return ""
        if waiting := run.waiting(self.clock()):
            return waiting
        spoken = f"nothing for {_spoken(silence)}"
        if run.phase is ServerPhase.RECONNECTING:
            return f"{spoken}: the connection is lost; the installation goes on there by itself"
        if run.phase is ServerPhase.CONNECTING:
            return f"{spoken}: still connecting; is the server on, and does a firewall let SSH through?"
        if run.phase is ServerPhase.PREPARING:
            return f"{spoken}: the server is slow to answer; waiting is safe"
        if silence < VERY_QUIET_AFTER:
            return f"{spoken}: usually a slow download; waiting is safe"
        return f"{spoken}: it goes on by itself on the server; you may quit and come back later"


def _spoken(seconds: float) -> str:
    whole = int(seconds)
    return f"{whole} s" if whole < 120 else f"{whole // 60} min {whole % 60} s"
