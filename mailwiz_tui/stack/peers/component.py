"""The plan's other servers: their names in /etc/hosts, and the ports that each may reach here.

It comes early, so that the firewall accepts a new server before its first connection.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator

from mailwiz_tui.plan.model import PrivateNetwork
from mailwiz_tui.stack import layout, traffic
from mailwiz_tui.stack.blueprint import Command, Directory, File, Packages, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.nftables.component import PEER_RULES, RULES
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords

HOSTS = f"{layout.INTERNAL_DIR}/hosts"
_SYSCTL = "/etc/sysctl.d/60-mailwiz-peers.conf"
_UNIT = "mailwiz-peers.service"
_UNIT_FILE = f"/etc/systemd/system/{_UNIT}"
_SET_HOSTS = f"{layout.LIB_DIR}/set-peer-hosts"
_RELOAD = "if systemctl -q is-active mailwiz-firewall; then systemctl reload mailwiz-firewall; fi"


class Peers(Component):
    """Names of the plan's servers on the private link, and the ports that each may reach."""

    name = "peers"
    title = "names of the other servers"
    units = (UnitWords("mailwiz-peers", "the names of the other servers are not known", ""),)

    def wanted(self, context: Context) -> bool:
        """Plans with several servers."""
        return bool(context.topology.peers)

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """The names, then the firewall rules."""
        step = Step(
            id="peers",
            title="Name the peers in /etc/hosts",
            component=self.name,
            items=(
                Directory(layout.INTERNAL_DIR),
                File(_SET_HOSTS, render("peers", "set-peer-hosts"), mode=0o755),
                File(HOSTS, render("peers", "hosts", lines="\n".join(_names(context)))),
                File(PEER_RULES, render("peers", "peers.nft", rules="\n".join(_rules(context)))),
                File(_UNIT_FILE, render("peers", _UNIT, script=_SET_HOSTS, hosts=HOSTS)),
                File(_SYSCTL, render("peers", "sysctl.conf")),
                Unit(_UNIT, restart_on=(_UNIT_FILE,), reload_on=(HOSTS, _SET_HOSTS)),
                Command(id="peers.hosts", argv=(_SET_HOSTS, HOSTS), unless=(_SET_HOSTS, HOSTS, "--check")),
                Command(id="peers.sysctl", argv=("sysctl", "-q", "-p", _SYSCTL), inputs=(_SYSCTL,)),
                Command(id="peers.firewall", argv=("sh", "-c", _RELOAD), inputs=(PEER_RULES,)),
            ),
            validators=(("sh", "-c", f"[ ! -e {RULES} ] || nft -c -f {RULES}"),),
        )
        return Contribution(packages=Packages(names=("netbase", "nftables", "procps")), steps=(step,))


def _names(context: Context) -> Iterator[str]:
    for server in context.plan.servers:
        if server.internal_ip:
            yield f"{server.internal_ip} {traffic.internal_name(server.id)}"
    if context.topology.mailboxes.moves:
        yield f"{layout.MOVING_STORE} {traffic.MOVING_STORE_NAME}"


def _rules(context: Context) -> Iterator[str]:
    """One rule for each port and version of IP, with the servers that may reach it."""
    by_port: dict[tuple[int, str, str, bool], list[str]] = {}
    for flow in traffic.flows(context.plan, context.offers):
        if flow.target_id == context.server_id:
            key = (flow.port, flow.protocol, flow.service, flow.public)
            by_port.setdefault(key, []).append(flow.source_id)
    inside = (
        f'iifname "{layout.MESH_INTERFACE}" ' if context.plan.network.private is PrivateNetwork.WIREGUARD else ""
    )
    for (port, protocol, service, public), sources in by_port.items():
        yield f"# {service} {port}: {', '.join(sources)}"
        addresses = [ip for source in sources for ip in _addresses(context, source, public)]
        for family, chosen in _families(addresses):
            where = "" if public else inside
            yield f"{where}{family} saddr {{ {', '.join(chosen)} }} {protocol} dport {port} accept"


def _addresses(context: Context, server_id: str, public: bool) -> Iterator[str]:
    """The source addresses of a server's connections; unknown ones are omitted."""
    if not public:
        yield context.internal_ip(server_id)
    elif facts := context.known.facts(server_id):
        yield from (facts.public_ipv4, facts.public_ipv6)


def _families(addresses: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    known = sorted({ipaddress.ip_address(a) for a in addresses if a}, key=lambda ip: (ip.version, int(ip)))
    for version, family in ((4, "ip"), (6, "ip6")):
        if chosen := [str(ip) for ip in known if ip.version == version]:
            yield family, chosen
