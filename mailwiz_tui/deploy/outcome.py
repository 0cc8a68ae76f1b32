"""How an installation ended on a server."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.agent.protocol.journal import EndEvent
from mailwiz_tui.agent.protocol.runs import RunStatus
from mailwiz_tui.deploy.events import ServerPhase
from mailwiz_tui.deploy.sanitize import clean_text
from mailwiz_tui.plan.errors import OperatorError


@dataclass(frozen=True, slots=True)
class ServerOutcome:
    """The end of one server's installation.

    ``state`` is ``DONE``, ``UNCHANGED``, ``FAILED`` or ``LOST`` (the connection did not come back: the outcome of
    the run is unknown). ``failed_step`` is the step's id, empty if no step started. ``skipped`` are the ids of
    optional steps that the operator skipped.
    """

    server_id: str
    state: ServerPhase
    changed: bool = False
    failed_step: str = ""
    reason: str = ""
    advice: str = ""
    seconds: float = 0.0
    skipped: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        """Whether the server matches its blueprint."""
        return self.state in (ServerPhase.DONE, ServerPhase.UNCHANGED)

    @property
    def line(self) -> str:
        """The outcome as one line."""
        if self.state is ServerPhase.UNCHANGED:
            return f"{self.server_id}: no changes"
        if self.state is ServerPhase.DONE:
            without = f", without {', '.join(self.skipped)} (skipped)" if self.skipped else ""
            return f"{self.server_id}: installed in {self.seconds:.0f} s{without}"
        where = f" in step {self.failed_step}" if self.failed_step else ""
        tail = f" ({self.advice})" if self.advice else ""
        return f"{self.server_id}: {self.state.value}{where}: {self.reason}{tail}"


def outcome_from_end(server_id: str, end: EndEvent, seconds: float) -> ServerOutcome:
    """The outcome from the ``end`` of a run's journal."""
    if end.state == "done":
        return ServerOutcome(
            server_id,
            ServerPhase.DONE,
            changed=end.changed,
            seconds=seconds,
            skipped=tuple(clean_text(step) for step in end.skipped),
        )
    where = clean_text(end.where)
    what = clean_text(end.what) or "it failed without a reason"
    return ServerOutcome(
        server_id,
        ServerPhase.FAILED,
        end.changed,
        clean_text(end.step),
        f"{where}: {what}" if where and not where.startswith("step ") else what,
        clean_text(end.advice),
        seconds,
    )


def outcome_at_rest(server_id: str, status: RunStatus) -> ServerOutcome | None:
    """The outcome of the latest run on a server, by the agent's ``status``; None without one, or while one runs."""
    if status.end:
        return outcome_from_end(server_id, status.end, 0.0)
    if status.state == "interrupted":
        advice = "run apply again: it continues from there"
        reason = "its latest run was interrupted (reboot, or killed)"
        return ServerOutcome(server_id, ServerPhase.FAILED, reason=reason, advice=advice)
    return None


def outcome_of(server_id: str, error: object) -> ServerOutcome:
    """A server's error as its outcome: ``LOST`` if the connection was lost and may come back."""
    told = error if isinstance(error, OperatorError) else OperatorError(f"{type(error).__name__}: {error}")
    what, where = told.what, told.where
    lost = type(error).__name__ == "ConnectionLost"
    return ServerOutcome(
        server_id,
        ServerPhase.LOST if lost else ServerPhase.FAILED,
        reason=clean_text(f"{where}: {what}" if where and where != server_id else what),
        advice=clean_text(told.advice),
    )
