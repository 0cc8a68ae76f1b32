"""Why checks failed: a service that does not answer makes many fail, on its own server and on those that use it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mailwiz_tui.plan.words import counted
from mailwiz_tui.stack.unit_words import Work
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.unit_words import unit_rank, unit_words

ANSWERS = "answers."
"""The prefix of the ids of checks that ask a service itself; the unit follows."""
_CHECKS = {
    Work.MAIL: ("mail-in.", "mail-out.", "smtp.", "submission.", "relay."),
    Work.SUBMISSION: ("submission.",),
    Work.LOGINS: ("auth.", "web."),
    Work.BROWSER: ("web.",),
}
"""The prefixes of the ids of checks, by kind of work."""


@dataclass(frozen=True, slots=True)
class Cause:
    """A service that does not answer, and the failed checks that follow from it, including its own."""

    root: CheckResult
    results: tuple[CheckResult, ...]

    @property
    def subject(self) -> str:
        """The service and its server."""
        return f"{self.unit} on {self.root.server_id}"

    @property
    def unit(self) -> str:
        """The unit's name without its ending."""
        return self.root.id.partition(".")[2]

    @property
    def sentence(self) -> str:
        """The number of checks that failed because of it, and why it does not answer."""
        why = f" ({self.root.detail})" if self.root.detail else ""
        return f"{counted(len(self.results), 'check')} failed because {self.subject} does not answer{why}."


def causes(results: Sequence[CheckResult]) -> list[Cause]:
    """The services that do not answer, each with the failures that it explains; each failure appears once."""
    left = [r for r in results if r.state is CheckState.FAILED]
    roots = sorted((r for r in left if r.id.startswith(ANSWERS)), key=_place)
    found = []
    for root in roots:
        if root not in left:
            continue
        explained = tuple(r for r in left if r is root or follows(r, root.id.removeprefix(ANSWERS), root.server_id))
        left = [r for r in left if r not in explained]
        found.append(Cause(root, explained))
    return found


def _place(root: CheckResult) -> int:
    """The order of installation: a service that others rely on comes first and is named as the cause."""
    return unit_rank(root.id.removeprefix(ANSWERS))


def follows(result: CheckResult, unit: str, server_id: str) -> bool:
    """Whether a failure follows from a unit (named without ``.service``) that does not answer on a server."""
    here = result.server_id == server_id
    if here and result.id in (f"unit.{unit}", "host.units"):
        return True
    words = unit_words(unit)
    anywhere = tuple(begins for work in words.work for begins in _CHECKS[work])
    return result.id.startswith(anywhere) or (here and result.id.startswith(words.checks))
