"""Postfix among several servers: the stores, and those that send out."""

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


def hops(context: Context) -> str:
    """The servers that send to the world, any that works (postconf(5), ``relayhost``)."""
    return ", ".join(
        f"[{context.internal_ip(s.id)}]:{layout.PEER_RELAY_PORT}" for s in context.topology.hands_over_to
    )


def own_address(context: Context) -> str:
    """Where a server that sends hears the others, as master.cf writes it."""
    address = context.internal_ip()
    return f"[{address}]" if ":" in address else address


IDENTITY = {"authorities": layout.INTERNAL_PEERS, "key": layout.INTERNAL_KEY, "certificate": layout.INTERNAL_CERT}
"""How servers of a plan know each other, in main.cf and master.cf."""
