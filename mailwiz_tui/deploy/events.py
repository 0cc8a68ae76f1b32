"""What happens during an installation, as typed events that screens and the command line subscribe to.

All text in events is already sanitized (``sanitize.py``) and free of secrets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class ServerPhase(StrEnum):
    """Where a server is on its way through an installation."""

    WAITING = "waiting"
    CONNECTING = "connecting"
    PREPARING = "preparing"
    INSTALLING = "installing"
    ATTACHED = "attached"
    RECONNECTING = "reconnecting"
    VERIFYING = "verifying"
    DONE = "done"
    UNCHANGED = "unchanged"
    FAILED = "failed"
    LOST = "lost"


class StepPhase(StrEnum):
    """Where a step is. ``SKIPPED``: left out at the operator's wish. ``NOT_REACHED``: the run ended before it."""

    PENDING = "pending"
    RUNNING = "running"
    OK = "ok"
    CHANGED = "changed"
    FAILED = "failed"
    SKIPPED = "skipped"
    NOT_REACHED = "not-reached"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True)
class ServerChanged:
    """A server entered a phase; ``detail`` is a sentence for the operator, ``advice`` what to do if it failed.

    Only where a run is joined that is under way (``ATTACHED``) is ``elapsed`` told: the seconds that it has been
    running by its server's clock. ``own`` says that it was begun from here.
    """

    server_id: str
    phase: ServerPhase
    detail: str = ""
    advice: str = ""
    at: float = 0.0
    elapsed: float | None = None
    own: bool = False


@dataclass(frozen=True, slots=True)
class StepChanged:
    """A step of a server's run changed; ``index`` counts from 1, ``at`` is the server's clock.

    ``optional`` is told with ``PENDING``: whether the run could go on without this step.
    """

    server_id: str
    step_id: str
    title: str
    index: int
    total: int
    phase: StepPhase
    detail: str = ""
    at: float = 0.0
    optional: bool = False


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line that a step printed."""

    server_id: str
    step_id: str
    text: str
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a step is, where it has a base to count from (apt: packages unpacked and configured)."""

    server_id: str
    step_id: str
    done: float
    total: float
    what: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step waits for ``what`` of the server ``on``, since ``at`` by its own clock; ``over`` once it is there."""

    server_id: str
    step_id: str
    on: str
    what: str
    over: bool = False
    at: float = 0.0


Event = ServerChanged | StepChanged | LogLine | Progress | Waiting
Subscriber = Callable[[Event], None]
