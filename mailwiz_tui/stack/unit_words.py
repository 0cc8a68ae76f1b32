"""The words for the operator about a systemd unit of a component, and what fails with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from fnmatch import fnmatchcase


class Work(Enum):
    """The services for users, each with the checks that prove it (``_CHECKS`` in ``verify/causes.py``)."""

    MAIL = "mail"
    """Mail is received, submitted and sent."""
    SUBMISSION = "submission"
    """Users submit mail; mail from other servers still arrives."""
    LOGINS = "logins"
    """Users log in, with mail programs and in the browser."""
    BROWSER = "browser"
    """Web applications and web pages are served; mail programs work without them."""


@dataclass(frozen=True, slots=True)
class UnitWords:
    """A unit in words. ``unit`` is its name without ``.service``, in which ``*`` stands for any characters.

    ``down`` completes the sentence "it does not run: …". ``short`` is its name in narrow columns, by default its
    own name; empty if the unit is not shown while it runs.

    While the unit does not answer, it is named as the cause of failed checks (``verify/causes.py``): on every
    server of those that prove the ``work``, on its own server of those whose ids begin with one of ``checks``,
    such as the component's own probes.
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
