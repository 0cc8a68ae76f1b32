"""The parts that components add to Postfix and Dovecot, so that these need not know the components.

``Component.mail_parts`` returns what a component adds on a server, whether it runs there or on another one;
``compile.py`` collects the parts, and Postfix and Dovecot read them from ``Context.mail``.
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
    """A program with the milter protocol, and its unit."""

    name: str
    unit: str
    port: int
    host: str = LOOPBACK

    @property
    def address(self) -> str:
        """Its address in Postfix's form (postconf(5), ``smtpd_milters``)."""
        return f"inet:{self.host}:{self.port}"

    @property
    def socket(self) -> str:
        """Its address in libmilter's form (``smfi_setconn``)."""
        return f"inet:{self.port}@{self.host}"


class Stream(Enum):
    """The source of a message. Each stream has milters of its own."""

    INCOMING = "incoming"
    """From other mail servers, at port 25."""
    SUBMITTED = "submitted"
    """From authenticated users."""
    LOCAL = "local"
    """From this host itself, or from another server of the plan, which checked it already."""


class Stage(IntEnum):
    """The order of milters: a lower stage first."""

    NAMES = 1
    """Sender checks; the spam filter relies on their result."""
    LIMITS = 2
    """The rate limit of users."""
    VIRUSES = 3
    SIGNATURES = 4
    """Verification of signatures, for the verdict."""
    VERDICT = 5
    """The spam filter."""
    SIGNING = 6
    """Signing; last, so that no milter changes a signed message."""


@dataclass(frozen=True, slots=True)
class MilterUse:
    """A milter for the messages of some streams."""

    milter: Milter
    stage: Stage
    streams: frozenset[Stream]


def asked(milter: Milter, stage: Stage, *streams: Stream) -> MilterUse:
    """A milter with its stage and streams."""
    return MilterUse(milter, stage, frozenset(streams))


@dataclass(frozen=True, slots=True)
class Learner:
    """The program that teaches the spam filter (argument ``spam`` or ``ham``, a message on standard input), its
    text, and its user.

    It is on the servers with mailboxes, maybe another one than the spam filter, and names the package it needs.
    """

    program: str
    user: str
    script: str = ""
    package: str = ""


NO_LEARNER = Learner("/bin/true", "nobody")


class Section(Enum):
    """The section of main.cf for parameters of a component."""

    ADDRESSES = "addresses"
    """Accepted addresses."""
    ROUTES = "routes"
    """Delivery of outgoing mail."""
    OUTGOING_TLS = "outgoing-tls"
    """TLS requirements for the servers that receive it."""


@dataclass(frozen=True, slots=True)
class MainCf:
    """Parameters in main.cf (postconf(5)), with a comment for the reason and a link."""

    section: Section
    text: str


@dataclass(frozen=True, slots=True)
class Inlet:
    """A port on the loopback where a program of this host submits mail, which is signed and not filtered.

    ``name`` is its name in the log, ``label`` that of its port, and ``purpose`` a comment in master.cf.
    """

    name: str
    port: int
    label: str
    purpose: str


@dataclass(frozen=True, slots=True)
class PostfixParts:
    """Parts for Postfix besides milters.

    ``main_cf`` are parameters and ``master_cf`` whole services (master(5)), with the ``ports`` they listen on.
    ``tables`` are files that Postfix reads again when they change. ``sender_checks`` are restrictions before the
    rejection of this server's domains as senders at port 25. ``recipient_tables`` and ``recipient_services`` are
    restrictions of recipients: tables first, then policy services, which apply to submission too.
    ``sender_owners`` are tables with the logins that own a sender (``smtpd_sender_login_maps``), and
    ``bounce_recipients`` those with the recipients of bounces.
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
        """The parameters of a section of main.cf, a paragraph for each part, without the final newline."""
        return "\n\n".join(part.text.strip("\n") for part in self.main_cf if part.section is section)


@dataclass(frozen=True, slots=True)
class MailParts:
    """The parts of one component, or of all of them, for Postfix and Dovecot.

    ``milters`` are for Postfix. ``junk_headers`` are header fields, with their value, that mark spam. ``learner``
    is called when users move messages into or out of Junk. ``account_units`` are units on this server that look up
    accounts: readers of the database start after them. ``mailbox_files`` are files that decide where mailboxes
    are; Dovecot restarts when one changes.
    """

    milters: tuple[MilterUse, ...] = ()
    junk_headers: tuple[tuple[str, str], ...] = ()
    learner: Learner = NO_LEARNER
    account_units: tuple[str, ...] = ()
    mailbox_files: tuple[str, ...] = ()
    postfix: PostfixParts = PostfixParts()

    def chain(self, stream: Stream) -> tuple[Milter, ...]:
        """The milters of a stream, in order."""
        found = sorted((use for use in self.milters if stream in use.streams), key=lambda use: use.stage)
        return tuple(use.milter for use in found)

    def addresses(self, stream: Stream) -> tuple[str, ...]:
        """The same in Postfix's form."""
        return tuple(milter.address for milter in self.chain(stream))


def gathered(parts: Iterable[MailParts]) -> MailParts:
    """The parts of all components, in their order. At most one of them has a learner."""
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
    """Concatenates the tuples of all parts, field by field."""
    names = (field.name for field in fields(PostfixParts))
    return PostfixParts(**{name: tuple(chain.from_iterable(getattr(p, name) for p in parts)) for name in names})
