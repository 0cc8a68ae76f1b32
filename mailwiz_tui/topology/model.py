"""What one server can rely on, as a component asks it: never which architecture the plan has, but what follows.

A single server is a topology of one: it has no peers, its database, mailboxes and filter are its own, and it does
all the work. ``topology_of`` (derive.py) makes these from a plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailwiz_tui.plan.model import PlanServer, Role


class AccountSource(StrEnum):
    """Where Postfix and Dovecot on a server read the accounts."""

    LOCAL = "local"
    """In the only database, which is on this server."""
    COPIED = "copied"
    """In a copy, which works while the database, here or on another server, does not."""
    REPLICATED = "replicated"
    """In a database on this server whose rows every node has."""
    NONE = "none"
    """Nowhere: nothing on this server asks for them."""


class MailboxPlace(StrEnum):
    """Where the mailboxes are that a server delivers to and serves."""

    HERE = "here"
    """On this server alone; Postfix hands mail to Dovecot through a local socket."""
    STORES = "stores"
    """On servers that store mail for all, perhaps this one among them, reached over the private link."""
    SHARED = "shared"
    """In one place that every node can serve."""


class Signer(StrEnum):
    """What signs outgoing mail on a server (DKIM, RFC 6376)."""

    NONE = "none"
    FILTER = "filter"
    """The spam filter, which works for this server alone."""
    SEPARATE = "separate"
    """A milter of its own: which filter a message meets is open, and a key never leaves its server."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts as one server finds them.

    ``store`` is the server whose database holds them; empty in a plan without one. ``database_here`` says whether
    that database, or a replica of it, runs on this server. ``copied_to`` are the servers that keep a copy, in the
    plan's order; the one with the database may be among them.
    """

    source: AccountSource
    store: str
    database_here: bool
    copied_to: tuple[str, ...] = ()

    @property
    def copied(self) -> bool:
        """Whether this server keeps a copy."""
        return self.source is AccountSource.COPIED

    @property
    def offered(self) -> bool:
        """Whether the database is on this server and others, or a copy beside it, are made from it."""
        return self.database_here and bool(self.copied_to)


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """The mailboxes as one server finds them.

    ``here``: some or all are on this server. ``stores`` are all servers with mailboxes, in the plan's order, and
    ``delivered_by`` the servers that hand mail to them over the private link.
    """

    place: MailboxPlace
    here: bool
    stores: tuple[PlanServer, ...]
    delivered_by: tuple[PlanServer, ...] = ()

    @property
    def on_stores(self) -> bool:
        """Whether mail and clients reach the mailboxes over the private link, even those on the same server."""
        return self.place is MailboxPlace.STORES


@dataclass(frozen=True, slots=True)
class Filters:
    """The filters as one server finds them.

    ``here``: messages are filtered on this server. ``reachable`` are the servers whose filter it can ask, its own
    first. ``exclusive``: it asks its own filter alone, and no other server asks that one.
    """

    here: bool
    reachable: tuple[str, ...]
    exclusive: bool

    @property
    def shared(self) -> bool:
        """Whether other servers have messages filtered here, or teach the filter."""
        return self.here and not self.exclusive


@dataclass(frozen=True, slots=True)
class ServerTopology:
    """What one server does, and what it can rely on.

    ``peers`` are the servers it talks to over the private link. ``fronts`` are those that clients talk to and that
    send mail out, ``inbound`` those that receive it from the world. ``relays_for`` are the peers whose mail for the
    world this server takes and sends out. ``waits_for`` are the servers, all of them before this
    one, whose accounts must be readable or whose mail server must answer before the installation of this one is
    complete: stores come before servers that clients talk to, and these before those that only receive mail.
    """

    server: PlanServer
    roles: frozenset[Role]
    peers: tuple[PlanServer, ...]
    fronts: tuple[PlanServer, ...]
    inbound: tuple[PlanServer, ...]
    relays_for: tuple[PlanServer, ...]
    accounts: Accounts
    mailboxes: Mailboxes
    filters: Filters
    signer: Signer
    waits_for: tuple[str, ...] = ()

    @property
    def receives(self) -> bool:
        """Whether mail from the world comes in here."""
        return Role.MX_INBOUND in self.roles

    @property
    def sends(self) -> bool:
        """Whether mail for the world leaves from here; other servers hand theirs to those that do."""
        return Role.MX_OUTBOUND in self.roles

    @property
    def serves_clients(self) -> bool:
        """Whether users log in here, with mail programs and in the browser."""
        return Role.MX_OUTBOUND in self.roles

    @property
    def transfers(self) -> bool:
        """Whether mail comes in or is submitted here."""
        return self.receives or self.sends

    @property
    def signs(self) -> bool:
        """Whether outgoing mail is signed here (DKIM)."""
        return self.signer is not Signer.NONE

    @property
    def delivers_to(self) -> tuple[PlanServer, ...]:
        """The servers with mailboxes that Postfix here hands mail to over the private link, itself included."""
        return self.mailboxes.stores if self.mailboxes.on_stores and self.transfers else ()

    @property
    def hands_over_to(self) -> tuple[PlanServer, ...]:
        """The servers that send out what this one has for the world; empty where it sends out itself."""
        return () if self.sends else self.fronts

    @property
    def logins_copied(self) -> bool:
        """Whether Dovecot here knows users from the copy: clients can log in while the database is away."""
        needed = self.serves_clients or (self.mailboxes.here and not self.accounts.database_here)
        return self.accounts.copied and needed
