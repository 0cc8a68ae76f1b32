"""Whether the server listens where the blueprint says, and nowhere else."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import partial

from mailwiz_tui.agent.protocol.codec import to_json
from mailwiz_tui.agent.protocol.facts import AskFacts
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.fleet.facts import Facts, Listener
from mailwiz_tui.stack.blueprint import Blueprint, Port, Scope
from mailwiz_tui.verify.check import Check, Failed

FOREIGN_UDP = frozenset({68, 546})
"""DHCP clients (RFC 2131, RFC 8415): the network's own, on many servers."""
PRIVILEGED = 1024
"""A resolver sends from UDP ports from here on, so only those below are judged."""


def checks(blueprint: Blueprint, link: Link) -> list[Check]:
    """One check for missing listeners, one for unplanned ones."""
    advice = "`ss -lntup` on the server shows the program."
    return [
        Check(
            "listeners.wanted",
            "Every service of the plan listens on its addresses.",
            partial(_wanted, blueprint, link),
            "On the server: `systemctl status UNIT`, `journalctl -u UNIT -n 50`.",
            blueprint.server_id,
        ),
        Check(
            "listeners.unexpected",
            "No other program listens on a public address.",
            partial(_unexpected, blueprint, link),
            f"{advice} Stop it if it is not needed, or bind it to 127.0.0.1.",
            blueprint.server_id,
        ),
    ]


async def _wanted(blueprint: Blueprint, link: Link) -> str:
    return check_wanted(blueprint.ports, await _facts(link))


async def _unexpected(blueprint: Blueprint, link: Link) -> str:
    return check_unexpected(blueprint.ports, await _facts(link))


async def _facts(link: Link) -> Facts:
    return Facts.model_validate(to_json(await link.ask(AskFacts())))


def check_wanted(ports: Iterable[Port], facts: Facts) -> str:
    """Every port of the blueprint has a listener: public ones on all addresses, local ones on the loopback."""
    missing: list[str] = []
    count = 0
    for port in ports:
        count += 1
        heard = [x for x in facts.listeners if x.port == port.number and x.protocol.startswith(port.protocol)]
        fine = bool(heard) if port.scope is Scope.LOCAL else any(not _loopback(x) for x in heard)
        if not fine:
            seen = ", ".join(sorted({x.address for x in heard})) or "nothing"
            missing.append(f"{port.protocol} {port.number} ({port.service}): got {seen}")
        elif port.scope is Scope.PUBLIC and facts.public_ipv6 and not _hears_ipv6(heard):
            missing.append(f"{port.protocol} {port.number} ({port.service}): got no IPv6, which this server has")
    if missing:
        raise Failed(f"expected a listener on {'; '.join(missing)}")
    return f"{count} ports have a listener"


def check_unexpected(ports: Iterable[Port], facts: Facts) -> str:
    """Every listener beyond the loopback is a port of the plan, or SSH."""
    wanted = list(ports)
    known = {(p.protocol, p.number) for p in wanted if p.scope is not Scope.LOCAL}
    known |= {("tcp", number) for number in facts.ssh_ports} | {("udp", number) for number in FOREIGN_UDP}
    strange = [
        x
        for x in facts.listeners
        if not _loopback(x)
        and (x.protocol[:3], x.port) not in known
        and not (x.protocol.startswith("udp") and x.port >= PRIVILEGED)
    ]
    if strange:
        local = {(p.protocol, p.number) for p in wanted if p.scope is Scope.LOCAL}
        told = sorted(
            f"{x.protocol} {x.port} on {x.address} ({x.process or 'unknown program'}"
            f"{', meant for the loopback only' if (x.protocol[:3], x.port) in local else ''})"
            for x in strange
        )
        raise Failed(f"expected only the plan's ports and SSH, got also {'; '.join(told)}")
    return "only the plan's ports and SSH"


def _loopback(listener: Listener) -> bool:
    address = ipaddress.ip_address(listener.address.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None)
    return (mapped or address).is_loopback


def _hears_ipv6(heard: list[Listener]) -> bool:
    return any(":" in x.address and not _loopback(x) for x in heard)
