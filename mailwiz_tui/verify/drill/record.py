"""What clients saw, attempt by attempt, and the gaps between answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise


class Outcome(StrEnum):
    """How an attempt ended."""

    DONE = "done"
    """The message was accepted (250 to its data), or the mailbox was read."""
    DEFERRED = "deferred"
    """The server works, but defers mail of this client for a while: a limit, or greylisting."""
    FAILED = "failed"
    """No answer, or a refusal."""
    UNSURE = "unsure"
    """The message was sent, but no reply to it came: the server may have accepted it."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try of a client; times are those of ``time.monotonic``, ``said`` is the server's answer or the error."""

    begun: float
    ended: float
    outcome: Outcome
    said: str = ""
    token: str = ""

    @property
    def answered(self) -> bool:
        """Whether the service was there for the client."""
        return self.outcome in (Outcome.DONE, Outcome.DEFERRED)


@dataclass(slots=True)
class Message:
    """A message with its token: whether it was accepted, and how often it was sent without a reply."""

    token: str
    accepted: bool = False
    unsure: int = 0

    @property
    def copies(self) -> int:
        """How many copies may be delivered: a message whose 250 was lost is sent again."""
        return self.unsure + (1 if self.accepted else 0)


@dataclass(frozen=True, slots=True)
class Gap:
    """From an answer to the next one; ``ended`` is False if no answer followed."""

    begin: float
    end: float
    ended: bool = True

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.end - self.begin


def gaps(attempts: Sequence[Attempt], until: float) -> list[Gap]:
    """All gaps of a client from its first attempt to ``until``, when it stopped."""
    if not attempts:
        return []
    answers = sorted(attempt.ended for attempt in attempts if attempt.answered)
    first = min(attempt.begun for attempt in attempts)
    found = [Gap(begin, end) for begin, end in pairwise([first, *answers])]
    last = answers[-1] if answers else first
    failing = any(attempt.ended > last and not attempt.answered for attempt in attempts)
    return [*found, Gap(last, until, ended=not failing)] if until > last else found


def longest_gap(attempts: Sequence[Attempt], begin: float, end: float, until: float) -> Gap | None:
    """The longest gap whose middle is between ``begin`` and ``end``, else the one that has most of that time.

    A gap begins with the last answer before a move, so it counts for the phase that has most of it. None for a
    client that made no attempt then.
    """
    found = [gap for gap in gaps(attempts, until) if gap.begin < end and gap.end > begin]
    inside = [gap for gap in found if begin <= (gap.begin + gap.end) / 2 < end]
    if inside:
        return max(inside, key=lambda gap: gap.seconds)
    return max(found, key=lambda gap: min(gap.end, end) - max(gap.begin, begin), default=None)
