"""The private link between the servers: WireGuard, every server with every other.

``prepare`` creates the key on the server; the others' public keys and addresses are in the facts. The kernel does
it if it can, else ``wireguard-go``. Peers are added and removed with ``wg syncconf``, which does not disturb the
others.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from mailwiz_tui.plan.model import PlanServer, PrivateNetwork
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Directory, File, Packages, Port, Probe, Program, Scope, Step, Unit
from mailwiz_tui.stack.component import Component, Context, Contribution
from mailwiz_tui.stack.probes import unit_active
from mailwiz_tui.stack.render import render
from mailwiz_tui.stack.unit_words import UnitWords, Work

FOLDER = f"{layout.CONF_DIR}/mesh"
CONF = f"{FOLDER}/mesh.conf"
KEY = f"{FOLDER}/private.key"
SCRIPT = f"{layout.LIB_DIR}/mailwiz-mesh"
UNIT = layout.MESH_UNIT
UNIT_FILE = f"/etc/systemd/system/{UNIT}"
USERSPACE = "/run/mailwiz-mesh/userspace"
KEEPALIVE = 25
"""Seconds between keepalives, so that a firewall with connection tracking keeps the connection."""
MTU, OVERHEAD, SMALLEST = 1420, 80, 1280
"""The size that fits into 1,500 bytes: IPv6, UDP and WireGuard need 80. IPv6 requires 1,280 at least."""


class WireGuard(Component):
    """The WireGuard mesh."""

    name = "wireguard"
    title = "WireGuard (private network)"
    programs = (Program("wireguard-go"),)
    units = (
        UnitWords(
            "mailwiz-mesh",
            "the private link to the other servers is down",
            "mesh",
            work=(Work.MAIL, Work.LOGINS),
            checks=("mesh.", "links.", "account"),
        ),
    )
    telling_packages = ("wireguard-tools",)

    def wanted(self, context: Context) -> bool:
        """Plans with several servers, unless they share a private network already."""
        return bool(context.topology.peers) and context.plan.network.private is PrivateNetwork.WIREGUARD

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """One interface with all peers; the blueprint has no secret of it."""
        unit = {
            "address": context.internal_ip(),
            "mtu": str(_mtu(context)),
            "script": SCRIPT,
            "interface": layout.MESH_INTERFACE,
        }
        if userspace := not context.facts.has_wireguard:
            unit["userspace"] = USERSPACE
        step = Step(
            id="wireguard",
            title="Configure WireGuard",
            component=self.name,
            items=(
                Directory(FOLDER, mode=0o700),
                File(CONF, self._conf(context)),
                File(
                    SCRIPT,
                    render(
                        "wireguard",
                        "mailwiz-mesh",
                        interface=layout.MESH_INTERFACE,
                        conf=CONF,
                        key=KEY,
                        userspace=USERSPACE,
                    ),
                    mode=0o755,
                ),
                File(UNIT_FILE, render("wireguard", f"{'userspace' if userspace else 'kernel'}.service", **unit)),
                Unit(UNIT, restart_on=(UNIT_FILE,), reload_on=(CONF, SCRIPT)),
            ),
        )
        return Contribution(
            packages=Packages(names=("wireguard-tools", *(["wireguard-go"] if userspace else []))),
            steps=(step,),
            ports=(Port(layout.MESH_PORT, "wireguard", Scope.PEERS, protocol="udp"),),
            probes=(
                unit_active(UNIT, "the private link between the servers is up"),
                *(self._handshake(context, peer) for peer in context.topology.peers if _public_key(context, peer)),
            ),
            findings=self._findings(context),
        )

    @staticmethod
    def _conf(context: Context) -> str:
        record = context.known.servers.get(context.server_id)
        return render(
            "wireguard",
            "mesh.conf",
            server=context.server_id,
            public=(record.wireguard if record else "") or "key not made yet",
            port=str(layout.MESH_PORT),
            peers="\n".join(line for peer in context.topology.peers for line in _peer(context, peer)),
        )

    @staticmethod
    def _handshake(context: Context, peer: PlanServer) -> Probe:
        return Probe(
            id=f"mesh.handshake.{peer.id}",
            proves=f"the private link to {peer.id} works",
            argv=(SCRIPT, "age", _public_key(context, peer)),
            expect=r"^\d+ s ago",
            advice=(
                f"check that {peer.id} runs and that no firewall blocks UDP port {layout.MESH_PORT} on the way; "
                f"on either: wg show {layout.MESH_INTERFACE}"
            ),
        )

    @staticmethod
    def _findings(context: Context) -> tuple[str, ...]:
        cut = [p.id for p in context.topology.peers if _public_key(context, p) and not endpoint(context, p)]
        return tuple(
            f"{context.server_id} and {name} have no common version of IP, so they cannot be linked; "
            "give both an IPv4 or both an IPv6 address, or use an existing private network."
            for name in cut
        )


def endpoint(context: Context, peer: PlanServer) -> str:
    """The endpoint of a peer, ``ADDRESS:PORT``: IPv4 if both have it; empty if there is none."""
    theirs = context.known.facts(peer.id)
    if theirs is None:
        return ""
    if context.public_ipv4 and theirs.public_ipv4:
        return f"{theirs.public_ipv4}:{layout.MESH_PORT}"
    if context.public_ipv6 and theirs.public_ipv6:
        return f"[{theirs.public_ipv6}]:{layout.MESH_PORT}"
    return ""


def _mtu(context: Context) -> int:
    """The size of packets inside the link: that of the worst path to a peer, measured before installing."""
    record = context.known.servers.get(context.server_id)
    path = record.path_mtu if record else 0
    return max(SMALLEST, min(MTU, path - OVERHEAD)) if path else MTU


def _peer(context: Context, peer: PlanServer) -> Iterator[str]:
    key = _public_key(context, peer)
    if not key or not peer.internal_ip:
        return
    yield ""
    yield f"# {peer.id}"
    yield "[Peer]"
    yield f"PublicKey = {key}"
    yield f"AllowedIPs = {ipaddress.ip_network(peer.internal_ip)}"
    if place := endpoint(context, peer):
        yield f"Endpoint = {place}"
    yield f"PersistentKeepalive = {KEEPALIVE}"


def _public_key(context: Context, peer: PlanServer) -> str:
    record = context.known.servers.get(peer.id)
    return record.wireguard if record else ""
