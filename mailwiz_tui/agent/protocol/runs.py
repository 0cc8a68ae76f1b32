"""Requests about runs: what one would change, its start, journal and end."""

from __future__ import annotations

from dataclasses import dataclass

from .blueprint import AgentBlueprint
from .codec import Document
from .journal import EndEvent
from .request import Request, Stream


@dataclass(frozen=True)
class Change:
    """One difference between a blueprint and the server: what will be done, and for files how they differ."""

    kind: str
    name: str
    action: str
    lines: tuple[str, ...] = ()
    note: str = ""


@dataclass(frozen=True)
class StepDiff:
    """What a step would change."""

    id: str
    title: str
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class CompareBlueprint(Request[tuple[StepDiff, ...]]):
    """What a blueprint would change; steps that change nothing are left out."""

    blueprint: AgentBlueprint


@dataclass(frozen=True)
class RunOptions:
    """Who begins a run (name, controller's id) and the steps to be left out.

    ``gate_seconds`` is how long its gates wait, ``settle_seconds`` how long a started unit must run to count as up.
    """

    by: str = ""
    controller: str = ""
    gate_seconds: float = 60.0
    skip: tuple[str, ...] = ()
    settle_seconds: float = 1.0


@dataclass(frozen=True)
class RunHolder:
    """A run in progress, who began it, and how long it has been running in seconds."""

    run: str = ""
    by: str = ""
    controller: str = ""
    age: float = 0.0


@dataclass(frozen=True)
class RunStarted:
    """Whether the run was ``started`` now; if not, ``run`` may be another one, which is in progress."""

    run: RunHolder
    started: bool


@dataclass(frozen=True)
class StartRun(Request[RunStarted]):
    """Starts a run, unless one is in progress or this one was started already."""

    run_id: str
    blueprint: AgentBlueprint
    options: RunOptions


@dataclass(frozen=True)
class RunStatus:
    """The latest run; ``state`` is ``none``, ``active``, ``done``, ``failed`` or ``interrupted``."""

    state: str
    run: RunHolder = RunHolder()
    end: EndEvent | None = None


@dataclass(frozen=True)
class AskRunStatus(Request[RunStatus]):
    """The latest run and how it stands."""


@dataclass(frozen=True)
class JournalChunk:
    """Events of a journal as their lines have them (``journal.event_of`` reads them), up to the byte ``offset``.

    ``state`` of the run is ``active``, ``ended``, or ``interrupted`` with what is known of it in ``detail``.
    """

    offset: int
    events: tuple[Document, ...]
    state: str
    detail: str = ""


@dataclass(frozen=True)
class FollowRun(Stream[JournalChunk]):
    """A run's journal from a byte offset until it ends."""

    run_id: str
    offset: int = 0


@dataclass(frozen=True)
class Confirmation:
    """What became of a step that waited: ``confirmed``, ``reverted`` or ``unknown``."""

    outcome: str


@dataclass(frozen=True)
class ConfirmStep(Request[Confirmation]):
    """Keeps a step that could have locked the operator out."""

    run_id: str
    step: str


@dataclass(frozen=True)
class StopAsked:
    """Whether there was a run to ask."""

    asked: bool


@dataclass(frozen=True)
class StopAfterStep(Request[StopAsked]):
    """Ends a run when its present step is done."""

    run_id: str
