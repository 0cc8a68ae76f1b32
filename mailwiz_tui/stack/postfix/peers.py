"""Postfix among several servers: to the stores, to those that send out, and from those that have something."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import File
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import render

PEERS = "/etc/postfix/mailwiz-peers"


def peer_policy(context: Context) -> File:
    """Which certificate each server must show: table of TLS policies (postconf(5), ``smtp_tls_policy_maps``)."""
    here = context.topology
    lines = [
        f"[{context.internal_ip(server.id)}]:{port} secure match={context.internal_name(server.id)}"
        for servers, port in ((here.mailboxes.stores, layout.LMTP_PORT), (here.fronts, layout.PEER_RELAY_PORT))
        for server in servers
    ]
    return File(PEERS, render("postfix", "mailwiz-peers", lines="\n".join(lines)))


def through_peers(context: Context) -> str:
    """The part of main.cf that sends everything for the world through the servers that send; any that works."""
    hops = ", ".join(
        f"[{context.internal_ip(s.id)}]:{layout.PEER_RELAY_PORT}" for s in context.topology.hands_over_to
    )
    return render("postfix", "through-peers.cf", hops=hops)


def to_peers() -> str:
    """The service in master.cf that connects to them."""
    return render("postfix", "master-to-peers.cf", **_identity())


def from_peers(context: Context, milters: str) -> str:
    """The service in master.cf where a server that sends out takes what the others have."""
    address = context.internal_ip()
    return render(
        "postfix",
        "master-from-peers.cf",
        address=f"[{address}]" if ":" in address else address,
        port=str(layout.PEER_RELAY_PORT),
        milters=milters,
        **_identity(),
    )


def _identity() -> dict[str, str]:
    return {"peers": layout.INTERNAL_PEERS, "key": layout.INTERNAL_KEY, "certificate": layout.INTERNAL_CERT}
