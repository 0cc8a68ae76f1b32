"""Steps and questions as values, for the screens, the help and the drafts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from mailwiz_tui.plan.schema import default_of


class FieldKind(StrEnum):
    """The kind of an answer.

    ``list`` is a list of texts, ``servers`` the picker of servers with their roles, ``domains`` the table of
    additional domains.
    """

    TEXT = "text"
    CHOICE = "choice"
    BOOL = "bool"
    INT = "int"
    LIST = "list"
    SERVERS = "servers"
    DOMAINS = "domains"


@dataclass(frozen=True, slots=True)
class Choice:
    """One answer of a closed list: its value in the plan file, its label for the operator, and its meaning.

    ``help`` fits on one row, ``why`` explains to a newcomer what follows from it.
    """

    value: str | int | bool
    label: str
    help: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True)
class ShownWhen:
    """A question is asked only if the answer at ``path`` is one of ``values``; without values, if there is one."""

    path: str
    values: tuple[str | int | bool, ...]


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """One question. ``help`` fits on one row of 76 columns; ``why`` explains it to a newcomer, with the RFC.

    ``unit`` is what a number counts. ``further`` questions have a default that is right for most; a form folds them
    away until they are wanted.
    """

    path: str
    label: str
    help: str
    kind: FieldKind = FieldKind.TEXT
    choices: tuple[Choice, ...] = ()
    unit: str = ""
    example: str = ""
    why: str = ""
    shown_when: tuple[ShownWhen, ...] = ()
    further: bool = False

    @property
    def default(self) -> Any:
        """The plan's default; None if an answer is needed."""
        return default_of(self.path)

    @property
    def required(self) -> bool:
        """Whether an answer is required."""
        return self.default is None

    def is_shown(self, get: Callable[[str], Any]) -> bool:
        """Whether the question is asked, given a function that returns the answer at a path."""
        answers = [(get(condition.path), condition.values) for condition in self.shown_when]
        return all(answer in values if values else bool(answer) for answer, values in answers)


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One of the eight steps.

    ``owns``: the keys (and the tables) of the plan that belong to this step; so do findings there.
    ``depends_on``: paths whose change requires another visit of this step.
    """

    id: str
    number: int
    title: str
    summary: str
    help: str
    fields: tuple[FieldSpec, ...] = ()
    owns: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()

    def owns_path(self, path: str) -> bool:
        """Whether a key belongs to this step."""
        return any(path == own or path.startswith(own + ".") for own in self.owns)

    def field(self, path: str) -> FieldSpec | None:
        """The question about a key, or None."""
        return next((f for f in self.fields if f.path == path), None)
