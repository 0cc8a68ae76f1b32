"""Every connection between the servers of a plan, with its port and reason.

``Component.offers`` are the services for other servers. The firewall, the tunnels, the tests before and after the
installation and the screens use the connections that follow from these and the plan. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from mailwiz_tui.plan.model import Plan, PlanServer, PrivateNetwork, Role
from mailwiz_tui.plan.published import host_label
from mailwiz_tui.stack import layout
from mailwiz_tui.topology.servers import linked, places, servers_doing

LOOPBACK = "127.0.0.1"
MOVING_STORE_NAME = f"store.{layout.INTERNAL_DOMAIN}"
"""The name of a store that moves; no server can have it, because the plan refuses the id."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A connection from one server to another: to ``port`` of the target, for ``reason``.

    ``public``: between the public addresses (the private link itself); all others are between the internal
    addresses. ``at_times``: the service listens only when it is needed.
    """

    source_id: str
    target_id: str
    port: int
    protocol: str
    service: str
    reason: str
    public: bool = False
    at_times: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """A service of servers with one role for servers with another, on their internal address, inside TLS.

    ``accounts``: only the account store offers it. ``at_times``: it listens only when it is needed. ``wanted``
    tells whether a plan has the service. ``voting``: all servers have it for each other, whatever their roles.
    """

    service: str
    port: int
    providers: tuple[Role, ...]
    consumers: tuple[Role, ...]
    reason: str
    accounts: bool = False
    at_times: bool = False
    protocol: str = "tcp"
    wanted: Callable[[Plan], bool] = lambda plan: True
    voting: bool = False


@dataclass(frozen=True, slots=True)
class Link:
    """A service that listens on the loopback only and is carried between servers inside mutual TLS.

    A consumer reaches any provider that works, its own first; with ``each`` it reaches every one of them at an
    address of its own (``endpoints``). ``wanted`` tells whether a plan has the service. A health check runs every
    ``interval`` seconds: an HTTP service answers ``ping`` with 200; ``probe`` are rules of HAProxy (``tcp-check``),
    and ``own_probe`` those with which a provider checks its own service instead, every ``own_interval`` seconds.
    """

    service: str
    port: int
    providers: tuple[Role, ...]
    consumers: tuple[Role, ...]
    reason: str
    each: bool = False
    wanted: Callable[[Plan], bool] = lambda plan: True
    ping: str = ""
    probe: tuple[str, ...] = ()
    own_probe: tuple[str, ...] = ()
    interval: int = 2
    own_interval: int = 0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address for a program on a consumer, and the servers behind it, best first."""

    address: str
    port: int
    provider_ids: tuple[str, ...]


Offer = Exchange | Link


def flows(plan: Plan, offers: Iterable[Offer]) -> tuple[Flow, ...]:
    """Every connection between servers; empty for one server. Exchanges come before links, each in order."""
    if not linked(plan):
        return ()
    offered = tuple(offers)
    found = [*_private_link(plan)]
    for exchange in (offer for offer in offered if isinstance(offer, Exchange) and offer.wanted(plan)):
        if exchange.voting:
            found += _between(plan.servers, plan.servers, exchange)
            continue
        targets = servers_doing(plan, *exchange.providers)
        only = exchange.accounts and not places(plan)
        found += _between(servers_doing(plan, *exchange.consumers), targets[:1] if only else targets, exchange)
    for link in links(plan, offered):
        found += _between(servers_doing(plan, *link.consumers), servers_doing(plan, *link.providers), link)
    return tuple(found)


def links(plan: Plan, offers: Iterable[Offer]) -> tuple[Link, ...]:
    """The links between the servers of a plan."""
    wanted = (offer for offer in offers if isinstance(offer, Link) and offer.wanted(plan))
    return tuple(wanted) if linked(plan) else ()


def endpoints(plan: Plan, server_id: str, link: Link) -> tuple[Endpoint, ...]:
    """The endpoints of a linked service on a server: one address, or with ``each`` one for every provider.

    The server's own provider is at 127.0.0.1; if there are others, 127.0.0.2 reaches any that works.
    """
    providers = [server.id for server in servers_doing(plan, *link.providers)]
    if link.each:
        ports = {other: index for index, other in enumerate(providers, 10)}
        return tuple(
            Endpoint(LOOPBACK if other == server_id else f"127.0.0.{ports[other]}", link.port, (other,))
            for other in providers
        )
    first = [other for other in providers if other == server_id]
    ranked = (*first, *(other for other in providers if other != server_id))
    address = "127.0.0.2" if first and len(ranked) > 1 else LOOPBACK
    return (Endpoint(address, link.port, ranked),) if ranked else ()


def internal_name(server_id: str) -> str:
    """A server's name on the private link, in every server's /etc/hosts and in its internal certificate."""
    return f"{host_label(server_id)}.{layout.INTERNAL_DOMAIN}"


def _private_link(plan: Plan) -> Iterator[Flow]:
    if plan.network.private is not PrivateNetwork.WIREGUARD:
        return
    for source in plan.servers:
        for target in plan.servers:
            if source.id != target.id:
                yield Flow(
                    source.id,
                    target.id,
                    layout.MESH_PORT,
                    "udp",
                    "wireguard",
                    "the private link itself",
                    public=True,
                )


def _between(sources: Iterable[PlanServer], targets: Iterable[PlanServer], what: Offer) -> Iterator[Flow]:
    for source in sources:
        for target in targets:
            if source.id != target.id:
                at_times = isinstance(what, Exchange) and what.at_times
                protocol = what.protocol if isinstance(what, Exchange) else "tcp"
                yield Flow(source.id, target.id, what.port, protocol, what.service, what.reason, at_times=at_times)
