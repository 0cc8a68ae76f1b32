"""What components add to Postfix and Dovecot, which therefore need to know none of them.

A component says in ``Component.mail_parts`` what it adds on a server, whether it runs there or is reached from
there; ``compile.py`` gathers it all, and Postfix and Dovecot find it in ``Context.mail``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, IntEnum

LOOPBACK = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class Milter:
    """A program that speaks the milter protocol, and the unit it runs as."""

    name: str
    unit: str
    port: int
    host: str = LOOPBACK

    @property
    def address(self) -> str:
        """As Postfix writes it (postconf(5), ``smtpd_milters``)."""
        return f"inet:{self.host}:{self.port}"

    @property
    def socket(self) -> str:
        """As libmilter writes it (``smfi_setconn``)."""
        return f"inet:{self.port}@{self.host}"


class Stream(Enum):
    """Where a message comes from. Each stream has milters of its own."""

    INCOMING = "incoming"
    """From the world, at port 25."""
    SUBMITTED = "submitted"
    """From users who logged in."""
    LOCAL = "local"
    """From this host itself, or handed over by another server of the plan, where it was checked already."""


class Stage(IntEnum):
    """When a milter is asked: a lower stage first."""

    NAMES = 1
    """Whose name a message carries; whatever filter there is relies on the answer."""
    LIMITS = 2
    """How much a user sends."""
    VIRUSES = 3
    SIGNATURES = 4
    """Which signatures are good, for a verdict that weighs them."""
    VERDICT = 5
    """Whether a message is spam."""
    SIGNING = 6
    """Last, because what is signed is what is sent."""


@dataclass(frozen=True, slots=True)
class MilterUse:
    """A milter that Postfix asks about the messages of some streams."""

    milter: Milter
    stage: Stage
    streams: frozenset[Stream]


def asked(milter: Milter, stage: Stage, *streams: Stream) -> MilterUse:
    """A milter's use, in short."""
    return MilterUse(milter, stage, frozenset(streams))


@dataclass(frozen=True, slots=True)
class Learner:
    """A program that takes ``spam`` or ``ham`` and a mail on standard input, its text, and the user it runs as.

    It is put where mailboxes are, so it may be on another server than the filter, and names the package it needs.
    """

    program: str
    user: str
    script: str = ""
    package: str = ""


NO_LEARNER = Learner("/bin/true", "nobody")


@dataclass(frozen=True, slots=True)
class MailParts:
    """What one component adds to Postfix and Dovecot, or what all of them do.

    ``milters`` are asked by Postfix. ``junk_headers`` are the headers, with their value, that say a message is
    spam. ``learner`` is called when users sort mail into or out of the spam folder.
    """

    milters: tuple[MilterUse, ...] = ()
    junk_headers: tuple[tuple[str, str], ...] = ()
    learner: Learner = NO_LEARNER

    def chain(self, stream: Stream) -> tuple[Milter, ...]:
        """The milters of a stream in the order in which they are asked."""
        found = sorted((use for use in self.milters if stream in use.streams), key=lambda use: use.stage)
        return tuple(use.milter for use in found)

    def addresses(self, stream: Stream) -> tuple[str, ...]:
        """The same as Postfix names them."""
        return tuple(milter.address for milter in self.chain(stream))


def gathered(parts: Iterable[MailParts]) -> MailParts:
    """What all components add together, in their order. At most one of them has a learner."""
    every = tuple(parts)
    return MailParts(
        milters=tuple(use for part in every for use in part.milters),
        junk_headers=tuple(header for part in every for header in part.junk_headers),
        learner=next((part.learner for part in every if part.learner is not NO_LEARNER), NO_LEARNER),
    )
