"""Postfix with several servers: the stores, and the relays for outgoing mail."""

from __future__ import annotations

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import File
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import render

PEERS = "/etc/postfix/mailwiz-peers"


def peer_policy(context: Context) -> File:
    """The certificate of each server, as table of TLS policies (postconf(5), ``smtp_tls_policy_maps``)."""
    here = context.topology
    known = [(context.store_ip(s.id), layout.LMTP_PORT, context.store_name(s.id)) for s in here.mailboxes.stores]
    known += [(context.internal_ip(s.id), layout.PEER_RELAY_PORT, context.internal_name(s.id)) for s in here.fronts]
    lines = [f"[{address}]:{port} secure match={name}" for address, port, name in known]
    return File(PEERS, render("postfix", "mailwiz-peers", lines="\n".join(lines)))


def hops(context: Context) -> str:
    """The servers that send to other mail servers; Postfix uses any that works (postconf(5), ``relayhost``)."""
    return ", ".join(
        f"[{context.internal_ip(s.id)}]:{layout.PEER_RELAY_PORT}" for s in context.topology.hands_over_to
    )


def own_address(context: Context) -> str:
    """The listener for the other servers on a relay, in the form of master.cf."""
    address = context.internal_ip()
    return f"[{address}]" if ":" in address else address


IDENTITY = {"authorities": layout.INTERNAL_PEERS, "key": layout.INTERNAL_KEY, "certificate": layout.INTERNAL_CERT}
"""The values for connections between servers, in main.cf and master.cf."""
