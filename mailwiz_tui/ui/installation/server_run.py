"""The state of one server in an installation: its phase, its steps with durations, and its checks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from mailwiz_tui.deploy.events import ServerPhase, StepPhase
from mailwiz_tui.ui.logs.log_buffer import LogBuffer
from mailwiz_tui.verify.result import CheckResult, CheckState

AT_REST = frozenset(
    {ServerPhase.WAITING, ServerPhase.DONE, ServerPhase.UNCHANGED, ServerPhase.FAILED, ServerPhase.LOST}
)


Span = Callable[[str], tuple[float, float] | None]


@dataclass(slots=True)
class StepRun:
    """One step of a server's run; times are by this machine's monotonic clock."""

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
        """Whether the step has ended."""
        return self.phase not in (StepPhase.PENDING, StepPhase.RUNNING)

    def seconds(self, now: float) -> float | None:
        """Its duration until now or its end; None if it has not begun."""
        return None if self.began is None else (self.ended if self.ended is not None else now) - self.began


@dataclass(slots=True)
class ServerRun:
    """One server in the installation; times are by this machine's monotonic clock.

    ``attached`` describes a run that was already in progress, ``own`` says that it was started from here.
    ``run_began`` is when its run began, ``run_began_at`` the same by the server's clock (0: unknown).
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
        """What the run waits for on another server, and for how long; empty if it does not wait."""
        if not self.waits_for:
            return ""
        minutes, seconds = divmod(int(max(0.0, now - self.waits_since)), 60)
        return f"waiting for {self.waits_for} ({minutes}:{seconds:02})"

    @property
    def stuck_at(self) -> StepRun | None:
        """The failed step that stopped the run, or None."""
        if self.phase is not ServerPhase.FAILED:
            return None
        return next((s for s in self.steps.values() if s.phase is StepPhase.FAILED), None)

    @property
    def skipped(self) -> list[StepRun]:
        """The steps that the operator skipped."""
        return [s for s in self.steps.values() if s.phase is StepPhase.SKIPPED]

    @property
    def good(self) -> bool:
        """Whether the server matches its blueprint."""
        return self.phase in (ServerPhase.DONE, ServerPhase.UNCHANGED)

    @property
    def busy(self) -> bool:
        """Whether work is in progress on this server."""
        return self.phase not in AT_REST

    def elapsed(self, now: float) -> float:
        """Seconds since the run began or, before it, since the first event, until now or the end."""
        if self.started is None:
            return 0.0
        return (self.ended if self.ended is not None else now) - self.started

    def when(self, at: float, now: float) -> float:
        """The server's time ``at`` by this machine's clock, counted from the start of the run; at most ``now``."""
        if self.run_began is None or not self.run_began_at or not at:
            return now
        return min(now, self.run_began + max(0.0, at - self.run_began_at))

    def silence(self, now: float) -> float:
        """Seconds since the last output of this server."""
        return now - self.last_output if self.last_output is not None and self.busy else 0.0

    def remaining(self, now: float, span: Span) -> tuple[float, float] | None:
        """Seconds left, minimum and maximum, by earlier runs; None if they have no data."""
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
        """The number of checks in each state."""
        counts = dict.fromkeys(CheckState, 0)
        for result in self.checks.values():
            counts[result.state] += 1
        return counts
