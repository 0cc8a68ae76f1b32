"""The plan compared with the facts of the servers: addresses, memory, and outgoing port 25."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Protocol

from mailwiz_tui.plan import memory
from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Plan, PrivateNetwork, Role

MADE_BY_US = "mwz0"
"""The interface of the private link of an installation."""


class KnownAddress(Protocol):
    """An address of an interface."""

    @property
    def ip(self) -> str: ...
    @property
    def interface(self) -> str: ...
    @property
    def prefix(self) -> int: ...


class KnownDisk(Protocol):
    """A block device on which nothing is."""

    @property
    def name(self) -> str: ...
    @property
    def size(self) -> int: ...


class KnownFacts(Protocol):
    """The facts of a server for comparison with plans; the fleet's ``Facts`` has them all."""

    @property
    def public_ipv4(self) -> str: ...
    @property
    def public_ipv6(self) -> str: ...
    @property
    def addresses(self) -> Sequence[KnownAddress]: ...
    @property
    def memory_total(self) -> int: ...
    @property
    def outbound_25_ipv4(self) -> bool | None: ...
    @property
    def outbound_25_ipv6(self) -> bool | None: ...
    @property
    def empty_disks(self) -> Sequence[KnownDisk] | None: ...
    @property
    def installed_digest(self) -> str: ...


class KnownRecord(Protocol):
    """The record of one server."""

    @property
    def facts(self) -> KnownFacts: ...


class KnownServers(Protocol):
    """The records of all servers, by id; the fleet's ``FactsFile`` is one."""

    @property
    def servers(self) -> Mapping[str, KnownRecord]: ...


def check(plan: Plan, known: KnownServers) -> Iterator[Finding]:
    """Findings from the facts of the plan's servers."""
    outbound = {s.id for s in plan.servers_with(Role.MX_OUTBOUND)}
    filters = {s.id for s in plan.servers_with(Role.ANTISPAM)}
    for index, server in enumerate(plan.servers):
        record = known.servers.get(server.id)
        if record is None:
            continue
        facts, path = record.facts, f"servers.{index}"
        blocked = facts.outbound_25_ipv4 is False and facts.outbound_25_ipv6 is not True
        if server.id in outbound and blocked and not plan.network.relay_host:
            yield Finding(
                "network.relay_host",
                f"{server.id} cannot connect to port 25 of other hosts, so it cannot send mail",
                Severity.WARNING,
                "ask its provider to open the port, or set a smart host",
            )
        if plan.services.antivirus and server.id in filters and 0 < facts.memory_total < memory.GOOD_WITH_CLAMAV:
            yield Finding(
                "services.antivirus",
                f"{server.id} has {facts.memory_total // 1_000_000} MB of memory; ClamAV alone needs "
                f"{memory.CLAMAV_WORDS}",
                Severity.WARNING,
                f"turn ClamAV off, or use a server with {memory.SERVER_WORDS}",
            )
        if facts.addresses and not (facts.public_ipv4 or facts.public_ipv6):
            yield Finding(
                path,
                f"no public address of {server.id} is known, so its DNS records lack one",
                Severity.WARNING,
                "add public_ipv4 or public_ipv6 to the inventory",
            )
        yield from _internal_address(plan, index, facts)


def _internal_address(plan: Plan, index: int, facts: KnownFacts) -> Iterator[Finding]:
    """In an existing network the server has the address already; on a new private link it must be unused."""
    server = plan.servers[index]
    if not plan.linked or not server.internal_ip or not facts.addresses:
        return
    path = f"servers.{index}.internal_ip"
    places = {_plain(a.ip): a.interface for a in facts.addresses}
    interface = places.get(_plain(server.internal_ip))
    if plan.network.private is PrivateNetwork.EXISTING and interface is None:
        private = sorted(ip for ip in places if ip and ipaddress.ip_address(ip).is_private)
        seen = f"it has {', '.join(private)}" if private else "it has no private address"
        yield Finding(
            path,
            f"no interface of {server.id} has {server.internal_ip}",
            advice=f"{seen}; enter its address on the private network, or choose WireGuard",
        )
    elif plan.network.private is PrivateNetwork.WIREGUARD and interface not in (None, MADE_BY_US):
        yield Finding(
            path,
            f"{server.internal_ip} is already an address of {server.id}'s interface {interface}",
            advice=(
                "choose an address from a network that none of the servers uses, or network.private = existing"
            ),
        )


def check_hostname(
    plan: Plan, known: KnownServers | None, hostname_addresses: Collection[str]
) -> Iterator[Finding]:
    """Whether the mail host name points to a server of this plan; ``hostname_addresses`` are those in the DNS."""
    path, name = "domain.hostname", plan.domain.hostname
    if not hostname_addresses:
        yield Finding(
            path, f"{name} has no address in the DNS yet", Severity.WARNING, "step 7 shows the records to publish"
        )
        return
    own = {plan.cluster.virtual_ip, plan.cluster.virtual_ipv6} - {""}
    for server in plan.servers:
        record = known.servers.get(server.id) if known else None
        own |= _addresses(record.facts) if record else set()
    if not own:
        return
    strange = sorted({_plain(a) for a in hostname_addresses} - own)
    if strange:
        yield Finding(
            path,
            f"{name} has the address {', '.join(strange)} in the DNS, which no server of this plan has",
            Severity.WARNING,
            f"the plan's servers have {', '.join(sorted(own))}",
        )


def _addresses(facts: KnownFacts) -> set[str]:
    all_of_them = {facts.public_ipv4, facts.public_ipv6, *(a.ip for a in facts.addresses)} - {""}
    return {a for a in map(_plain, all_of_them) if a and not ipaddress.ip_address(a).is_loopback}


def _plain(address: str) -> str:
    try:
        return str(ipaddress.ip_address(address.partition("%")[0]))
    except ValueError:
        return ""
