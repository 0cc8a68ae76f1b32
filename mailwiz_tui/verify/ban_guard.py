"""Exempts the operator from fail2ban during a verification.

A verification logs in with wrong passwords and tries to relay, as an attacker does. While it
runs, the operator's addresses are exempt (``fail2ban-client set JAIL addignoreip``, fail2ban-client(1)); the
exemption exists only in fail2ban's memory and ends with the verification. After a restart fail2ban reads the
failures of an earlier verification from the journal, without its exemption: such a ban is lifted first. An IPv6
client is banned with its network (``stack/fail2ban/networks.py``), so that is lifted too.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing

from mailwiz_tui.agent.protocol.probes import ProbeCommand, RunProbes
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.verify.target import Target

NETWORK_LENGTH = 64
_JAILS = re.compile(r"Jail list:\s*(.*)")
_PEER = re.compile(r"(\S+):(\d+)\s*$")


@asynccontextmanager
async def exempt(target: Target, link: Link) -> AsyncIterator[tuple[str, ...]]:
    """Exempt this machine's addresses, one for each of the server's, while the block runs; yields them.

    None if fail2ban does not run, or if the server was not reached.
    """
    jails = await _jails(link)
    found = [await _own_address(target, link, at) for at in (target.address, *target.others)] if jails else []
    addresses = tuple(dict.fromkeys(address for address in found if address))
    added = {address: await _set(link, jails, "addignoreip", address) for address in addresses}
    if addresses:
        lifted = [ban for address in addresses for ban in _bans_of(address)]
        await link.ask(RunProbes((ProbeCommand("unban", ("fail2ban-client", "unban", *lifted)),)))
    try:
        yield addresses
    finally:
        for address, where in added.items():
            await _set(link, where, "delignoreip", address)


def _bans_of(address: str) -> list[str]:
    """The bans that concern an address: its own, and that of its network for IPv6."""
    if ":" not in address:
        return [address]
    return [address, str(ipaddress.ip_network(f"{address}/{NETWORK_LENGTH}", strict=False))]


async def _jails(link: Link) -> list[str]:
    (answer,) = await link.ask(RunProbes((ProbeCommand("jails", ("fail2ban-client", "status")),)))
    found = _JAILS.search(answer.output)
    return [name for name in re.split(r"[,\s]+", found[1]) if name] if found else []


async def _set(link: Link, jails: list[str], verb: str, address: str) -> list[str]:
    probes = tuple(ProbeCommand(jail, ("fail2ban-client", "set", jail, verb, address)) for jail in jails)
    if verb == "addignoreip":
        listed = tuple(ProbeCommand(jail, ("fail2ban-client", "get", jail, "ignoreip")) for jail in jails)
        known = await link.ask(RunProbes(listed))
        have = {a.id for a in known if re.search(rf"(?<![\w.:]){re.escape(address)}(?![\w.:])", a.output)}
        probes = tuple(p for p in probes if p.id not in have)
    answers = await link.ask(RunProbes(probes)) if probes else ()
    return [a.id for a in answers if a.exit == 0]


async def _own_address(target: Target, link: Link, at: str) -> str:
    """This machine's address as the server sees it at one of its own: the far end of a connection held open for it.

    If NAT has changed the port as well, a single connection from a single address is still certain; else the local
    address is used.
    """
    port = next((p.number for p in target.tls_ports()), 0)
    if not port:
        return ""
    try:
        connection = await asyncio.to_thread(
            socket.create_connection, (at, target.at(port)[1]), min(5.0, target.seconds)
        )
    except OSError:
        return _route_to(at)
    with closing(connection):
        own, own_port = connection.getsockname()[:2]
        argv = ("ss", "-Htn", "state", "established", "sport", "=", f":{port}")
        (answer,) = await link.ask(RunProbes((ProbeCommand("peers", argv),)))
    peers: dict[int, str] = {}
    for line in answer.output.splitlines():
        if found := _PEER.search(line):
            peers[int(found[2])] = _plain(found[1])
    if own_port in peers:
        return peers[own_port]
    return next(iter(peers.values())) if len(set(peers.values())) == 1 else _plain(str(own))


def _route_to(at: str) -> str:
    """The local address of this machine towards another; for a server that does not answer, as after a ban."""
    try:
        with socket.socket(socket.AF_INET6 if ":" in at else socket.AF_INET, socket.SOCK_DGRAM) as asked:
            asked.connect((at, 9))
            return _plain(str(asked.getsockname()[0]))
    except OSError:
        return ""


def _plain(text: str) -> str:
    try:
        address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
    except ValueError:
        return ""
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
