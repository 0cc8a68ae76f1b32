"""What the records are made from: the plan, and the names and addresses its servers have in the world."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mailwiz_tui.fleet.facts import FactsFile, TlsPublic
from mailwiz_tui.fleet.server import Inventory
from mailwiz_tui.fleet.web import Web, web
from mailwiz_tui.plan.model import Plan, PlanServer
from mailwiz_tui.plan.published import server_name
from mailwiz_tui.topology.servers import client_address, fronts, inbound

ADDRESS_PENDING = "address not known yet: set it in the inventory, or connect to the server"


@dataclass(frozen=True, slots=True)
class Host:
    """A name in the DNS and its addresses; an empty address is one that the host does not have."""

    name: str
    server_id: str
    ipv4: str = ""
    ipv6: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The addresses that are known."""
        return tuple(a for a in (self.ipv4, self.ipv6) if a)


@dataclass(frozen=True)
class Site:
    """A plan together with what is known of its servers.

    A single server goes by the plan's mail hostname. Of several, each has a name of its own below the
    primary domain, its id, and the mail hostname stands for what mail programs connect to.
    """

    plan: Plan
    known: FactsFile
    inventory: Inventory | None = None

    @property
    def hostname(self) -> str:
        """The mail hostname."""
        return self.plan.domain.hostname

    @property
    def primary(self) -> str:
        """The primary domain."""
        return self.plan.domain.primary_domain

    @cached_property
    def clients(self) -> list[Host]:
        """What the mail hostname stands for: the cluster's virtual address, or the servers that clients talk to."""
        virtual = client_address(self.plan)
        if virtual:
            four = "" if ":" in virtual else virtual
            return [Host(self.hostname, "", four, virtual if not four else "")]
        return [self._host(server, self.hostname) for server in _or_first(self.plan, fronts(self.plan))]

    @cached_property
    def inbound(self) -> list[Host]:
        """The hosts that receive mail from the world."""
        return [self._host(server, self.server_name(server)) for server in _or_first(self.plan, inbound(self.plan))]

    @cached_property
    def outbound(self) -> list[Host]:
        """The hosts that send mail to the world."""
        return [self._host(server, self.server_name(server)) for server in _or_first(self.plan, fronts(self.plan))]

    @cached_property
    def hosts(self) -> list[Host]:
        """Every host that has a name in the DNS, each once."""
        found = {(h.name, h.server_id): h for h in [*self.clients, *self.inbound, *self.outbound]}
        return list(found.values())

    def server_name(self, server: PlanServer) -> str:
        """The name a server greets with."""
        return server_name(self.plan, server)

    def zone_of(self, name: str) -> str:
        """The plan's domain a name lies in; for a name in none of them its parent."""
        covering = [d for d in self.plan.all_domains() if name == d or name.endswith(f".{d}")]
        return max(covering, key=len) if covering else name.partition(".")[2]

    def tls(self, host: Host) -> TlsPublic | None:
        """What is known of the host's certificate."""
        record = self.known.servers.get(host.server_id)
        return record.tls if record else None

    @cached_property
    def web(self) -> Web:
        """The domains for which the stack answers HTTPS so that strangers believe it."""
        return web(self.plan, self.known)

    @property
    def serves_clients(self) -> bool:
        """Whether the mail hostname itself answers HTTPS with a certificate that mail programs trust."""
        return bool(self.web.autoconfig or self.web.autodiscover)

    def _host(self, server: PlanServer, name: str) -> Host:
        entry = self.inventory.get(server.id) if self.inventory else None
        facts = self.known.facts(server.id)
        four = (entry.public_ipv4 if entry else "") or (facts.public_ipv4 if facts else "")
        six = (entry.public_ipv6 if entry else "") or (facts.public_ipv6 if facts else "")
        return Host(name, server.id, four, six)


def _or_first(plan: Plan, servers: tuple[PlanServer, ...]) -> tuple[PlanServer, ...]:
    """The servers; of a plan whose roles are not given yet, its first."""
    return servers or tuple(plan.servers[:1])
