"""Disturbances on purpose: hosts that freeze, links that are cut, disks that fail, as a cluster must survive them.

Links are cut at the bridge, by the device a host is connected with: in both directions and both protocols, whatever
addresses it has at the time. The gateway's own addresses are spared, so that ``lab.run`` still reaches every host.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from . import machine, network, templates
from .addresses import AddressPlan
from .kernel_host import KernelHost
from .machine import LabError
from .site import Site

OUTSIDE = "outside"
"""The other end of a link to everything beyond the gateway: this machine, its programs, and the host outside."""

Link = tuple[str, str]


def sever(site: Site, one: str, other: str) -> None:
    """Cut links besides those already cut."""
    _change(site, add=_links(site, one, other))


def mend(site: Site, one: str, other: str) -> None:
    """Restore links; all of them without names."""
    _change(site, remove=_links(site, one, other) if one else None)


def severed(name: str) -> frozenset[Link]:
    """Return the links of a lab that are cut now."""
    found = machine.read_json(_record(name)).get("links", [])
    return frozenset((str(one), str(other)) for one, other in found)


def freeze(site: Site, host_id: str, frozen: bool) -> None:
    """Stop all processes of a host where they are, or let them go on."""
    box = site.box(site.memory.host(host_id))
    if not box.running():
        raise LabError(f"{host_id} is not running; boot it first")
    box.freeze(frozen)


def fail_disk(site: Site, host_id: str, failing: bool) -> None:
    """Let every request to a host's second disk end with an error, or no more."""
    box = site.box(site.memory.host(host_id))
    if not isinstance(box, KernelHost):
        raise LabError(f"{host_id} has no second disk; a host has one in a lab of: mailwiz-tui lab up --kernel")
    box.run(templates.source("fail-disk.sh" if failing else "heal-disk.sh"))


def rules(plan: AddressPlan, links: Iterable[Link], ports: dict[str, str]) -> str:
    """Write the bridge's rules (nft(8)) for the links that are cut."""
    gateway = plan.hosts_gateway
    forward, entering, leaving = [], [], []
    for one, other in sorted(links):
        if other == OUTSIDE:
            port = ports[one]
            entering.append(f'iifname "{port}" ip daddr != {gateway.ipv4} drop')
            entering.append(f'iifname "{port}" ip6 daddr != {{ {gateway.ipv6}, fe80::/10, ff02::/16 }} drop')
            leaving.append(f'oifname "{port}" ip saddr != {gateway.ipv4} drop')
            leaving.append(f'oifname "{port}" ip6 saddr != {{ {gateway.ipv6}, fe80::/10 }} drop')
        else:
            for here, there in ((one, other), (other, one)):
                forward.append(f'iifname "{ports[here]}" oifname "{ports[there]}" drop')
    return templates.render(
        "cuts.nft",
        forward="\n\t\t".join(forward),
        entering="\n\t\t".join(entering),
        leaving="\n\t\t".join(leaving),
    )


def _links(site: Site, one: str, other: str) -> frozenset[Link]:
    """Return the links meant by two names; without the second those to every other host."""
    site.memory.host(one)
    if other == OUTSIDE:
        return frozenset({(one, OUTSIDE)})
    if other == one:
        raise LabError(f"{one} has no link to itself; name two hosts")
    others = {site.memory.host(other).id} if other else {spec.id for spec in site.memory.hosts} - {one}
    return frozenset((min(one, peer), max(one, peer)) for peer in others)


def _change(site: Site, add: frozenset[Link] = frozenset(), remove: frozenset[Link] | None = frozenset()) -> None:
    with machine.locked(machine.RUN / site.name / "cuts.lock"):
        before = severed(site.name)
        links = (before | add) - (before if remove is None else remove)
        ports = {spec.id: site.box(spec).port for spec in site.memory.hosts}
        machine.run(
            "nsenter",
            f"--net={network.namespace_path(site.name)}",
            "nft",
            "-f",
            "-",
            stdin=rules(site.memory.plan, links, ports),
        )
        machine.write(_record(site.name), json.dumps({"links": sorted(links)}))


def _record(name: str) -> Path:
    return machine.RUN / name / "cuts.json"
