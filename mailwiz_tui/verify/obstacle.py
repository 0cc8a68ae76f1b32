"""What the outcome of a check means for mail: what does not work, and for whom."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mailwiz_tui.plan.words import listed

SUBJECTS = 4
"""How many subjects of one effect are named; the results hold all."""


class Concern(StrEnum):
    """What an obstacle concerns, the gravest first: incoming mail, outgoing mail, users' mail programs.

    ``safety`` means that strangers can misuse the server, ``other`` that something is not as planned without a
    known effect on mail, ``recommended`` that mail works without it.
    """

    SAFETY = "safety"
    INCOMING = "incoming"
    OUTGOING = "outgoing"
    CLIENTS = "clients"
    OTHER = "other"
    RECOMMENDED = "recommended"


@dataclass(frozen=True, slots=True)
class Obstacle:
    """One obstacle: ``effect`` is a clause without a full stop, ``fault`` is what is wrong with the ``subject``.

    As in: ``Mail from outside cannot arrive`` – ``MX of example.com`` – ``is not published``.
    """

    concern: Concern
    effect: str
    subject: str
    fault: str = "is not published"


def gravity(obstacles: Iterable[Obstacle]) -> int:
    """The index of the gravest in ``Concern``; behind all of them if there is no obstacle."""
    order = list(Concern)
    return min((order.index(obstacle.concern) for obstacle in obstacles), default=len(order))


def sentences(obstacles: Iterable[Obstacle]) -> list[tuple[Concern, str]]:
    """One sentence for each effect with all its causes, the gravest first."""
    grouped: dict[tuple[Concern, str], dict[str, list[str]]] = {}
    for obstacle in obstacles:
        subjects = grouped.setdefault((obstacle.concern, obstacle.effect), {}).setdefault(obstacle.fault, [])
        if obstacle.subject not in subjects:
            subjects.append(obstacle.subject)
    order = list(Concern)
    told = sorted(grouped.items(), key=lambda entry: order.index(entry[0][0]))
    return [(concern, f"{effect}: {_causes(faults)}.") for (concern, effect), faults in told]


def _causes(faults: dict[str, list[str]]) -> str:
    return "; ".join(
        f"{listed(subjects, SUBJECTS)} {fault if len(subjects) == 1 else _of_many(fault)}"
        for fault, subjects in faults.items()
    )


def _of_many(fault: str) -> str:
    return f"are {fault.removeprefix('is ')}" if fault.startswith("is ") else fault
