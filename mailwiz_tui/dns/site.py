"""The input of the records: the plan, and the public names and addresses of its servers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from mailwiz_tui.fleet.facts import FactsFile, TlsPublic
from mailwiz_tui.fleet.server import Inventory
from mailwiz_tui.fleet.web import Web, web
from mailwiz_tui.plan.model import Plan, PlanServer
from mailwiz_tui.plan.published import server_name
from mailwiz_tui.topology.servers import client_addresses, fronts, inbound

ADDRESS_PENDING = "address not known yet: set it in the inventory, or connect to the server"


@dataclass(frozen=True, slots=True)
class Host:
    """A name in the DNS and its addresses; an empty address means that the host has none."""

    name: str
    server_id: str
    ipv4: str = ""
    ipv6: str = ""

    @property
    def addresses(self) -> tuple[str, ...]:
        """The known addresses."""
        return tuple(a for a in (self.ipv4, self.ipv6) if a)


@dataclass(frozen=True)
class Site:
    """A plan with the known facts of its servers.

    The name of a single server is the plan's mail hostname. With several, the name of each is its id below the
    primary domain, and the mail hostname has the addresses for mail programs.
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
        """The host of the mail hostname that moves with the store, or the servers for clients."""
        if moving := client_addresses(self.plan):
            four = next((address for address in moving if ":" not in address), "")
            return [Host(self.hostname, "", four, next((address for address in moving if ":" in address), ""))]
        return [self._host(server, self.hostname) for server in _or_first(self.plan, fronts(self.plan))]

    @cached_property
    def inbound(self) -> list[Host]:
        """The hosts that receive mail from other mail servers."""
        return [self._host(server, self.server_name(server)) for server in _or_first(self.plan, inbound(self.plan))]

    @cached_property
    def outbound(self) -> list[Host]:
        """The hosts that send mail to other mail servers."""
        return [self._host(server, self.server_name(server)) for server in _or_first(self.plan, fronts(self.plan))]

    @cached_property
    def hosts(self) -> list[Host]:
        """Every host with a name in the DNS, each once."""
        found = {(h.name, h.server_id): h for h in [*self.clients, *self.inbound, *self.outbound]}
        return list(found.values())

    def server_name(self, server: PlanServer) -> str:
        """The name in a server's greeting."""
        return server_name(self.plan, server)

    def zone_of(self, name: str) -> str:
        """The plan's domain of a name; for a name in none of them its parent."""
        covering = [d for d in self.plan.all_domains() if name == d or name.endswith(f".{d}")]
        return max(covering, key=len) if covering else name.partition(".")[2]

    def tls(self, server_id: str) -> TlsPublic | None:
        """The known certificate of a server."""
        record = self.known.servers.get(server_id)
        return record.tls if record else None

    @cached_property
    def web(self) -> Web:
        """The domains with HTTPS sites, for which the certificate is valid."""
        return web(self.plan, self.known)

    @property
    def serves_clients(self) -> bool:
        """Whether the mail hostname has an HTTPS site with a certificate that mail programs trust."""
        return bool(self.web.autoconfig or self.web.autodiscover)

    def _host(self, server: PlanServer, name: str) -> Host:
        entry = self.inventory.get(server.id) if self.inventory else None
        facts = self.known.facts(server.id)
        four = (entry.public_ipv4 if entry else "") or (facts.public_ipv4 if facts else "")
        six = (entry.public_ipv6 if entry else "") or (facts.public_ipv6 if facts else "")
        return Host(name, server.id, four, six)


def _or_first(plan: Plan, servers: tuple[PlanServer, ...]) -> tuple[PlanServer, ...]:
    """The servers; in a plan without roles yet, its first."""
    return servers or tuple(plan.servers[:1])
