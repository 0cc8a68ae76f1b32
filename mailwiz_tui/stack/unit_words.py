"""The words for the operator about a systemd unit of a component, and what fails with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase


class Work(Enum):
    """The services for users."""

    MAIL = "mail"
    """Mail is received, submitted and sent."""
    SUBMISSION = "submission"
    LOGINS = "logins"
    """Users log in, with mail programs and in the browser."""
    BROWSER = "browser"


@dataclass(frozen=True, slots=True)
class UnitWords:
    """A unit in words. ``unit`` is its name without ``.service``, in which ``*`` stands for any characters.

    ``down`` completes the sentence "it does not run: …". ``short`` is its name in narrow columns, by default its
    own name; empty if the unit is not shown while it runs.
    """

    unit: str
    down: str
    short: str | None = None
    work: tuple[Work, ...] = ()
    checks: tuple[str, ...] = ()

    def named(self, label: str) -> str:
        """The short name of a unit that matches."""
        return label if self.short is None else self.short

    def matches(self, label: str) -> bool:
        """Whether a unit, named without ``.service``, is meant."""
        return fnmatchcase(label, self.unit)
