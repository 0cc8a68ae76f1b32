"""What components add to Postfix and Dovecot, which therefore need to know none of them.

A component says in ``Component.mail_parts`` what it adds on a server, whether it runs there or is reached from
there; ``compile.py`` gathers it all, and Postfix and Dovecot find it in ``Context.mail``.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from enum import Enum, IntEnum
from itertools import chain

from mailwiz_tui.stack.blueprint import File, Port

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


class Section(Enum):
    """Where in main.cf parameters of a component stand."""

    ADDRESSES = "addresses"
    """Under which addresses mail is accepted."""
    ROUTES = "routes"
    """Where mail goes that leaves this server."""
    OUTGOING_TLS = "outgoing-tls"
    """What is demanded of the servers that mail is sent to."""


@dataclass(frozen=True, slots=True)
class MainCf:
    """Parameters in main.cf (postconf(5)), with the comment that gives the reason for them and a link."""

    section: Section
    text: str


@dataclass(frozen=True, slots=True)
class Inlet:
    """A port on the loopback where a program of this host hands in mail, which is signed and not filtered.

    ``name`` is the service's in the log, ``label`` that of its port, and ``purpose`` a comment in master.cf.
    """

    name: str
    port: int
    label: str
    purpose: str


@dataclass(frozen=True, slots=True)
class PostfixParts:
    """What components add to Postfix beside milters.

    ``main_cf`` are parameters and ``master_cf`` whole services (master(5)), with the ``ports`` they listen on.
    ``tables`` are files that Postfix reads again when they change. ``sender_checks`` are restrictions that come
    before senders of our own domains are refused at port 25. ``recipient_tables`` and ``recipient_services`` are
    restrictions of recipients: tables first, then policy services, which submissions are asked about, too.
    ``sender_owners`` are tables that say which logins own a sender (``smtpd_sender_login_maps``), and
    ``bounce_recipients`` those that say who gets a bounce.
    """

    main_cf: tuple[MainCf, ...] = ()
    master_cf: tuple[str, ...] = ()
    ports: tuple[Port, ...] = ()
    tables: tuple[File, ...] = ()
    inlets: tuple[Inlet, ...] = ()
    sender_checks: tuple[str, ...] = ()
    recipient_tables: tuple[str, ...] = ()
    recipient_services: tuple[str, ...] = ()
    sender_owners: tuple[str, ...] = ()
    bounce_recipients: tuple[str, ...] = ()

    def parameters(self, section: Section) -> str:
        """The parameters of a section of main.cf, a paragraph a part, without the last line's end."""
        return "\n\n".join(part.text.strip("\n") for part in self.main_cf if part.section is section)


@dataclass(frozen=True, slots=True)
class MailParts:
    """What one component adds to Postfix and Dovecot, or what all of them do.

    ``milters`` are asked by Postfix. ``junk_headers`` are the headers, with their value, that say a message is
    spam. ``learner`` is called when users sort mail into or out of the spam folder. ``account_units`` are units on
    this server that answer questions about accounts: what reads the database starts after them.
    ``mailbox_files`` are files that decide where mailboxes are; Dovecot starts again when one changes.
    """

    milters: tuple[MilterUse, ...] = ()
    junk_headers: tuple[tuple[str, str], ...] = ()
    learner: Learner = NO_LEARNER
    account_units: tuple[str, ...] = ()
    mailbox_files: tuple[str, ...] = ()
    postfix: PostfixParts = PostfixParts()

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
        account_units=tuple(unit for part in every for unit in part.account_units),
        mailbox_files=tuple(path for part in every for path in part.mailbox_files),
        postfix=_joined(tuple(part.postfix for part in every)),
    )


def _joined(parts: tuple[PostfixParts, ...]) -> PostfixParts:
    """Every field has a tuple: those of all parts, one after another."""
    names = (field.name for field in fields(PostfixParts))
    return PostfixParts(**{name: tuple(chain.from_iterable(getattr(p, name) for p in parts)) for name in names})
