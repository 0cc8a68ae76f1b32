"""A component of the stack: one folder with one ``Component`` and its configuration files.

To add a component, add a folder with a module that defines a subclass and list it in ``compile.py``. No other
component needs to know it: ``mail_parts`` says what it adds to Postfix and Dovecot, ``units`` and
``telling_packages`` what the operator reads about it. It asks ``Context.topology`` what a server can rely on, never
which architecture the plan has.

Switching a component off needs no code. A component that is not wanted contributes nothing, and the agent, which
stores what it wrote and started, removes the rest (``agent/core/leftovers.py``):

- a file that is in no step any more is removed, and kept in the backup; if a unit that is still wanted had it in
  ``restart_on`` or ``reload_on``, this happens in that unit's step, and the unit is restarted;
- a unit that is in no step any more is stopped and disabled, and then its own files are removed. That comes last,
  when its replacement works already: two alternatives must not share a port or a socket;
- commands and validators run again when the component is wanted again. Packages and data stay.

So each daemon of a package must be named as a ``Unit``, otherwise it is never stopped; then it is also restarted
after a crash (``healing/drop_in.py``). Any other change that has to be undone (a line in a file of another program)
is a ``Command`` that a component contributes in both cases.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import ClassVar

from mailwiz_tui.fleet.facts import Facts, FactsFile
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.published import public_names
from mailwiz_tui.stack import layout, traffic
from mailwiz_tui.stack.blueprint import File, Packages, Port, Probe, Program, SecretSpec, Step
from mailwiz_tui.stack.mail_parts import MailParts
from mailwiz_tui.stack.traffic import Offer
from mailwiz_tui.stack.unit_words import UnitWords
from mailwiz_tui.topology.derive import topology_of
from mailwiz_tui.topology.model import ServerTopology
from mailwiz_tui.topology.servers import server_of


@dataclass(frozen=True, slots=True)
class Context:
    """The input of every component: the plan, this server's facts, and those of the other servers.

    ``known`` has the facts and public keys of all servers that were asked. ``topology`` says what this server does
    and what it can rely on; it follows from the plan. ``offers`` are the services that servers of a plan offer
    each other, ``mail`` what all components add to Postfix and Dovecot. Raises ``KeyError`` if the plan lacks the
    server.
    """

    plan: Plan
    server_id: str
    facts: Facts
    known: FactsFile = field(default_factory=FactsFile)
    offers: tuple[Offer, ...] = ()
    mail: MailParts = field(default_factory=MailParts)
    topology: ServerTopology = field(init=False)

    def __post_init__(self) -> None:
        """Derive the topology once: every component asks it."""
        object.__setattr__(self, "topology", topology_of(self.plan, self.server_id))

    @property
    def codename(self) -> str:
        """The Debian release: ``trixie`` or ``bookworm``."""
        return self.facts.codename

    @property
    def hostname(self) -> str:
        """The name in this server's greeting: the mail hostname, or with several servers one of its own."""
        return self.public_names[0]

    @property
    def public_names(self) -> tuple[str, ...]:
        """The public names of this server, its own first; fronts have the mail hostname too."""
        return public_names(self.plan, self.topology.server)

    def internal_ip(self, server_id: str = "") -> str:
        """The address of a server (this one if none is named) on the private link; empty if it has none."""
        return server_of(self.plan, server_id or self.server_id).internal_ip

    def internal_name(self, server_id: str = "") -> str:
        """The name of a server (this one if none is named) on the private link, which its certificate has."""
        return traffic.internal_name(server_id or self.server_id)

    def store_ip(self, store_id: str) -> str:
        """The address of a store for this server: on the private link, or the loopback to a store that moves."""
        return layout.MOVING_STORE if self.topology.mailboxes.moves else self.internal_ip(store_id)

    def store_name(self, store_id: str) -> str:
        """The name of a store in its internal certificate; that of a store that moves is in both certificates."""
        return traffic.MOVING_STORE_NAME if self.topology.mailboxes.moves else self.internal_name(store_id)

    @property
    def public_ipv4(self) -> str:
        """The public IPv4 address of this server, or empty."""
        return self.facts.public_ipv4

    @property
    def public_ipv6(self) -> str:
        """The public IPv6 address of this server, or empty."""
        return self.facts.public_ipv6


@dataclass(frozen=True, slots=True)
class WebLocation:
    """The part of a web application in the site at the mail hostname.

    ``server`` is nginx configuration inside the site's ``server`` block (its ``location`` blocks), ``http`` the
    configuration outside it (``limit_req_zone``, ``upstream``). ``path`` is its path in the URL.
    A ``location`` with an ``add_header`` of its own must include ``snippets/mailwiz-headers.conf`` again.
    """

    name: str
    path: str
    server: str
    http: str = ""


@dataclass(frozen=True, slots=True)
class Contribution:
    """The part of one component in a server's blueprint.

    ``packages`` of all components are installed together, first. ``steps`` follow in the components' order.
    ``jails`` are fail2ban jails (the text of a section), ``filters`` the files they read, ``ports`` are opened by
    the firewall. ``kept`` are the files and folders of the operator's own settings and ``databases`` the MariaDB
    databases, for the backup, which contains no other data of a component (``stack/backup/``). ``web`` are the
    applications of the site at the mail hostname. ``preflight`` are probes that must pass before any change on the
    server, so they can use only what a bare Debian has.
    """

    packages: Packages = field(default_factory=lambda: Packages(names=()))
    secrets: tuple[SecretSpec, ...] = ()
    steps: tuple[Step, ...] = ()
    ports: tuple[Port, ...] = ()
    probes: tuple[Probe, ...] = ()
    jails: tuple[str, ...] = ()
    filters: tuple[File, ...] = ()
    findings: tuple[str, ...] = ()
    web: tuple[WebLocation, ...] = ()
    kept: tuple[str, ...] = ()
    databases: tuple[str, ...] = ()
    preflight: tuple[Probe, ...] = ()


class Component(ABC):
    """One part of the stack."""

    name: str
    title: str
    units: ClassVar[tuple[UnitWords, ...]] = ()
    """The words for the operator about the units that it starts."""
    telling_packages: ClassVar[tuple[str, ...]] = ()
    """The packages that the operator knows it by; the others are dependencies."""
    programs: ClassVar[tuple[Program, ...]] = ()
    """The programs that may use its ports before an installation: Debian's, and those that it replaces."""

    on_volume: ClassVar[bool] = False
    """Its data is on the volume that moves, if there is one: Pacemaker starts its units where the volume is."""
    offers: ClassVar[tuple[Offer, ...]] = ()
    """The services that it offers other servers of a plan; firewall, tunnels and checks follow from it."""

    @abstractmethod
    def wanted(self, context: Context) -> bool:
        """Whether this server has the component."""

    @abstractmethod
    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The component's part; ``so_far`` are the contributions of the components before it."""

    def meta(self, context: Context) -> dict[str, str]:
        """Facts for checks besides ports and probes (``Blueprint.meta``), for example a format.

        Called for every component on every server, like ``mail_parts``.
        """
        return {}

    def mail_parts(self, context: Context) -> MailParts:
        """What the component adds to Postfix and Dovecot, here or for a server that reaches it on another one.

        Called for every component on every server, before ``wanted``.
        """
        return MailParts()
