"""A cluster compared with the facts of the two servers that hold mail: their disks, and their networks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Architecture, Plan, PlanServer, Role
from mailwiz_tui.plan.rules.known_servers import MADE_BY_US, KnownAddress, KnownFacts, KnownServers

_VOLUME = re.compile(r"/dev/(?!mapper/|disk/)([^/]+)/([^/]+)")


def check(plan: Plan, known: KnownServers) -> Iterator[Finding]:
    """Findings about ``cluster`` from the facts of the servers that hold mail."""
    if plan.architecture is not Architecture.HA_CLUSTER:
        return
    holders = [s for s in plan.servers if Role.ALL_IN_ONE in s.roles and s.id != plan.cluster.witness]
    facts = [(server, known.servers[server.id].facts) for server in holders if server.id in known.servers]
    for server, told in facts:
        yield from _device(plan.cluster.device, server, told)
    for key in ("virtual_ip", "virtual_ipv6"):
        if address := getattr(plan.cluster, key):
            yield from _network(f"cluster.{key}", str(address), facts)


def same_device(path: str) -> str:
    """A device's path as ``lsblk`` tells it: LVM's ``/dev/GROUP/VOLUME`` is ``/dev/mapper/GROUP-VOLUME``."""
    found = _VOLUME.fullmatch(path)
    return f"/dev/mapper/{'-'.join(part.replace('-', '--') for part in found.groups())}" if found else path


def _device(device: str, server: PlanServer, facts: KnownFacts) -> Iterator[Finding]:
    """Whether the device is empty, before an installation; links by id or label cannot be compared."""
    if not device or device.startswith("/dev/disk/") or facts.empty_disks is None or facts.installed_digest:
        return
    empty = [disk.name for disk in facts.empty_disks]
    if same_device(device) not in empty:
        seen = f"{server.id} has {', '.join(empty)}" if empty else "add a disk, or leave it empty to use a file"
        yield Finding(
            "cluster.device",
            f"{device} is not an empty disk of {server.id}",
            Severity.WARNING,
            f"{seen}; the installation refuses a device that has a file system",
        )


def _network(path: str, virtual: str, facts: list[tuple[PlanServer, KnownFacts]]) -> Iterator[Finding]:
    """Whether the address can move: neighbours learn its new place by ARP or ND, inside their network only."""
    outside = [server.id for server, told in facts if _is_outside(virtual, told)]
    if outside:
        have = "has" if len(outside) == 1 else "have"
        yield Finding(
            path,
            f"{' and '.join(outside)} {have} no address in the same network as {virtual}, which cannot move there",
            Severity.WARNING,
            "choose a free address in the network of both servers",
        )


def _is_outside(virtual: str, facts: KnownFacts) -> bool:
    """Whether the networks of a server are known, and none of them has the address."""
    address = ipaddress.ip_address(virtual)
    networks = [network for entry in facts.addresses if (network := _network_of(entry, virtual))]
    return bool(networks) and not any(address in network for network in networks)


def _network_of(entry: KnownAddress, virtual: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    plain = entry.ip.partition("%")[0]
    if entry.interface in ("lo", MADE_BY_US) or not entry.prefix or plain == virtual:
        return None
    found = ipaddress.ip_interface(f"{plain}/{entry.prefix}").network
    return found if found.version == ipaddress.ip_address(virtual).version else None
