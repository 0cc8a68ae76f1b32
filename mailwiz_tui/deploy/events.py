"""The typed events of an installation, for screens and the command line.

All text in events is already sanitized (``sanitize.py``) and free of secrets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class ServerPhase(StrEnum):
    """The phase of a server's installation."""

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
    """The state of a step. ``SKIPPED``: the operator skipped it. ``NOT_REACHED``: the run ended before it."""

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

    ``elapsed`` is set only for a run that was already in progress (``ATTACHED``): its seconds by the server's
    clock. ``own`` says that it was started from here.
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

    ``optional`` is set with ``PENDING``: whether the run could continue without this step.
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
    """The progress of a step that can count (apt: packages unpacked and configured)."""

    server_id: str
    step_id: str
    done: float
    total: float
    what: str = ""
    at: float = 0.0


@dataclass(frozen=True, slots=True)
class Waiting:
    """A step waits for ``what`` of the server ``on``, since ``at`` by its own clock; ``over`` at the end."""

    server_id: str
    step_id: str
    on: str
    what: str
    over: bool = False
    at: float = 0.0


Event = ServerChanged | StepChanged | LogLine | Progress | Waiting
Subscriber = Callable[[Event], None]
