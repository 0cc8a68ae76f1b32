"""What a person reads about a systemd unit of a component."""

from __future__ import annotations

from dataclasses import dataclass
from fnmatch import fnmatchcase


@dataclass(frozen=True, slots=True)
class UnitWords:
    """A unit in words. ``unit`` is its name without ``.service``, in which ``*`` stands for any characters.

    ``down`` completes the sentence "it does not run: …". ``short`` is its name where there is little room: its own
    name unless given; empty where a unit that runs is not worth naming.
    """

    unit: str
    down: str
    short: str | None = None

    def named(self, label: str) -> str:
        """The short name of a unit that matches."""
        return label if self.short is None else self.short

    def matches(self, label: str) -> bool:
        """Whether a unit, named without ``.service``, is meant."""
        return fnmatchcase(label, self.unit)
