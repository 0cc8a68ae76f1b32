"""The events of a run's journal, one JSON object a line, as the agent writes and the controller reads them.

Journals stay on servers, so a reader is lenient: fields that an older version did not write have their
defaults, unknown fields of a newer one are ignored. ``at`` is in seconds since the epoch by the server's clock.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TypeAlias, get_type_hints

from .codec import Document, WireError, from_json, to_json


@dataclass(frozen=True)
class RunStep:
    """A step that the run will come to."""

    id: str = ""
    title: str = ""
    component: str = ""
    optional: bool = False


@dataclass(frozen=True)
class RunBegan:
    """The run began."""

    run: str = ""
    server: str = ""
    by: str = ""
    steps: tuple[RunStep, ...] = ()
    at: float = 0.0


@dataclass(frozen=True)
class StepEvent:
    """A step entered a phase (``deploy.events.StepPhase``); ``seconds`` it took, where it has ended."""

    phase: str = ""
    id: str = ""
    title: str = ""
    index: int = 0
    total: int = 0
    detail: str = ""
    seconds: float | None = None
    at: float = 0.0


@dataclass(frozen=True)
class LogEvent:
    """A line that a step printed."""

    step: str = ""
    text: str = ""
    at: float = 0.0


@dataclass(frozen=True)
class ProgressEvent:
    """How far a step is."""

    step: str = ""
    done: float = 0.0
    total: float = 0.0
    what: str = ""
    at: float = 0.0


@dataclass(frozen=True)
class WaitEvent:
    """A step waits for what another server provides; ``over`` once it is there."""

    step: str = ""
    server: str = ""
    what: str = ""
    over: bool = False
    at: float = 0.0


@dataclass(frozen=True)
class GateEvent:
    """A step waits until ``deadline`` for a confirmation over a new connection."""

    step: str = ""
    deadline: float = 0.0
    at: float = 0.0


@dataclass(frozen=True)
class EndEvent:
    """The run ended: ``state`` is ``done`` or ``failed``, and then ``step`` the one that failed, and why."""

    state: str = ""
    changed: bool = False
    step: str = ""
    what: str = ""
    where: str = ""
    advice: str = ""
    skipped: tuple[str, ...] = ()
    at: float = 0.0


Event: TypeAlias = RunBegan | StepEvent | LogEvent | ProgressEvent | WaitEvent | GateEvent | EndEvent
_KINDS: dict[str, type[Event]] = {
    "run": RunBegan, "step": StepEvent, "log": LogEvent, "progress": ProgressEvent, "wait": WaitEvent,
    "gate": GateEvent, "end": EndEvent,
}  # fmt: skip
_NAMES = {kind: name for name, kind in _KINDS.items()}


def line_of(event: Event, at: float) -> Document:
    """An event of the moment ``at`` as the journal keeps it."""
    found = to_json(event)
    assert isinstance(found, dict)
    return {"t": _NAMES[type(event)], **found, "at": at}


def event_of(line: Document) -> Event | None:
    """The event in a line of any version's journal; None for a kind that is not known."""
    kind = _KINDS.get(str(line.get("t")))
    if kind is None:
        return None
    values = {}
    hints = get_type_hints(kind)
    for field in fields(kind):
        if line.get(field.name) is None:
            continue
        try:
            values[field.name] = _lenient(hints[field.name], line[field.name])
        except WireError:
            continue
    return kind(**values)  # type: ignore[arg-type]  # each value was read as its field's type


def _lenient(kind: object, value: object) -> object:
    """A field; of the steps that a run announces, those that can be read."""
    if kind == tuple[RunStep, ...]:
        known = {field.name for field in fields(RunStep)}
        steps = value if isinstance(value, list) else []
        read = ({k: v for k, v in step.items() if k in known} for step in steps if isinstance(step, dict))
        return tuple(from_json(RunStep, step) for step in read)
    return from_json(kind, value)
