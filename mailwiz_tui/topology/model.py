"""What one server can rely on, for components: never the architecture of the plan, but what follows from it.

A single server is a topology of one: it has no peers, its own database, mailboxes and filter, and all roles.
``topology_of`` (derive.py) derives these from a plan.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailwiz_tui.plan.model import PlanServer, Role


class AccountSource(StrEnum):
    """The source of accounts for Postfix and Dovecot on a server."""

    LOCAL = "local"
    """The only database, which is on this server."""
    COPIED = "copied"
    """A copy, which works while the database, here or on another server, is down."""
    NONE = "none"
    """None: no program on this server reads accounts."""


class MailboxPlace(StrEnum):
    """The location of the mailboxes that a server delivers to and serves."""

    HERE = "here"
    """On this server alone; Postfix delivers to Dovecot through a local socket."""
    STORES = "stores"
    """On stores, maybe including this server, over the private link."""


class Signer(StrEnum):
    """The signer of outgoing mail on a server (DKIM, RFC 6376)."""

    NONE = "none"
    FILTER = "filter"
    """The spam filter, if it works for this server alone."""
    SEPARATE = "separate"
    """A milter of its own: a message may pass any server's filter, and a key never leaves its server."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """The accounts for one server.

    ``store`` is the store with their database; empty in a plan without one. ``database_here`` tells whether that
    database runs on this server, or can move to it. ``copied_to`` are the servers with a copy, in the plan's order;
    those with the database may be among them.
    """

    source: AccountSource
    store: str
    database_here: bool
    copied_to: tuple[str, ...] = ()

    @property
    def copied(self) -> bool:
        """Whether this server has a copy."""
        return self.source is AccountSource.COPIED

    @property
    def offered(self) -> bool:
        """Whether the database is on this server and copies are made from it, here or on other servers."""
        return self.database_here and bool(self.copied_to)


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """The mailboxes for one server.

    ``here``: some or all are on this server, or can move to it. ``stores`` are all servers with mailboxes, in the
    plan's order, and ``delivered_by`` the servers that deliver to them over the private link. ``places`` are the
    servers among which the only store moves, so that it survives the loss of one: it is at one of them at a time,
    and named after the first. Empty if each store stays on its server.
    """

    place: MailboxPlace
    here: bool
    stores: tuple[PlanServer, ...]
    delivered_by: tuple[PlanServer, ...] = ()
    places: tuple[PlanServer, ...] = ()

    @property
    def moves(self) -> bool:
        """Whether the store is at one of several servers at a time."""
        return bool(self.places)

    @property
    def on_stores(self) -> bool:
        """Whether mail and clients reach the mailboxes over the private link, even those on the same server."""
        return self.place is MailboxPlace.STORES


@dataclass(frozen=True, slots=True)
class Filters:
    """The spam filters for one server.

    ``here``: messages are filtered on this server. ``reachable`` are the servers whose filter it can use, its own
    first. ``exclusive``: it uses its own filter alone, and no other server uses that one.
    """

    here: bool
    reachable: tuple[str, ...]
    exclusive: bool

    @property
    def shared(self) -> bool:
        """Whether other servers use this server's filter, or teach it."""
        return self.here and not self.exclusive


@dataclass(frozen=True, slots=True)
class ServerTopology:
    """The roles of one server, and what it can rely on.

    ``peers`` are the servers on its private link. ``fronts`` are those that serve clients and send mail to other
    servers, ``inbound`` those that receive it from them. ``relays_for`` are the peers whose outgoing mail this
    server relays. ``waits_for`` are the servers, all of them before this one, whose accounts must be readable or
    whose mail server must answer before the installation of this one is complete: stores come before fronts, and
    these before servers that only receive mail.
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
    def database_stays(self) -> bool:
        """Whether the accounts' database is always on this server, so that programs here use its socket."""
        return self.accounts.database_here and not self.mailboxes.moves

    @property
    def receives(self) -> bool:
        """Whether this server receives mail from other mail servers."""
        return Role.MX_INBOUND in self.roles

    @property
    def sends(self) -> bool:
        """Whether this server sends mail to other mail servers; the plan's other servers relay through it."""
        return Role.MX_OUTBOUND in self.roles

    @property
    def serves_clients(self) -> bool:
        """Whether users log in on this server, with mail programs and in the browser."""
        return Role.MX_OUTBOUND in self.roles

    @property
    def transfers(self) -> bool:
        """Whether this server receives mail or serves submission."""
        return self.receives or self.sends

    @property
    def signs(self) -> bool:
        """Whether this server signs outgoing mail (DKIM)."""
        return self.signer is not Signer.NONE

    @property
    def delivers_to(self) -> tuple[PlanServer, ...]:
        """The stores to which Postfix on this server delivers over the private link, itself included."""
        return self.mailboxes.stores if self.mailboxes.on_stores and self.transfers else ()

    @property
    def hands_over_to(self) -> tuple[PlanServer, ...]:
        """The servers that relay this one's outgoing mail; empty if it sends mail itself."""
        return () if self.sends else self.fronts

    @property
    def sessions_shared(self) -> bool:
        """Whether several servers serve the same clients, so that any of them may get a session's next request."""
        return len(self.fronts) > 1 and bool(self.accounts.copied_to)

    @property
    def logins_copied(self) -> bool:
        """Whether Dovecot here uses the copy of the accounts: logins work while the database is down."""
        needed = self.serves_clients or (self.mailboxes.here and not self.accounts.database_here)
        return self.accounts.copied and needed
