"""Where Postfix looks accounts up: in the database beside it, or in the copy that a server of several keeps."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import File
from mailwiz_tui.stack.capacity import PEER_DELIVERIES, Capacity
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import render

QUERIES = ("alias-catch-alls", "alias-domains", "aliases", "domains", "mailboxes", "own-senders")
_MYSQL = "/etc/postfix/mysql"
_COPY = f"{layout.ACCOUNT_COPY}/postfix"


@dataclass(frozen=True, slots=True)
class Lookups:
    """The part of main.cf about accounts, the checks that ask for them, and the files behind it.

    ``transports`` are tables that come before those of relay domains. ``first`` asks for a domain (a probe).
    """

    settings: str
    own_senders: str
    domains: str
    transports: tuple[str, ...] = ()
    files: tuple[File, ...] = ()


def lookups(context: Context) -> Lookups:
    """The copy of the accounts where there is one, else the database on this server."""
    return _copied(context) if context.topology.accounts.copied else _database(context)


HOSTS = " ".join((f"unix:{layout.MYSQL_SOCKET}", *[f"unix:{layout.DATABASE_GATE_SOCKET}"] * 8))
"""Postfix leaves an entry alone for 60 s after it failed, and asks the next one. Through the gate, where a
connection waits up to 7 s for MariaDB, the next one succeeds; 8 of them wait less than those 60 s, so that a
lookup ends at last."""


def _database(context: Context) -> Lookups:
    files = tuple(
        File(
            f"{_MYSQL}/{name}.cf",
            render("postfix", f"mysql/{name}.cf", hosts=HOSTS, database=layout.DATABASE),
            group="postfix",
            mode=0o640,
        )
        for name in QUERIES
    )
    return Lookups(
        settings=render(
            "postfix",
            "accounts-database.cf",
            lmtp_socket=layout.LMTP_SOCKET,
            deliveries=str(Capacity.of(context.facts).deliveries),
        ).rstrip("\n"),
        own_senders=f"proxy:mysql:{_MYSQL}/own-senders.cf",
        domains=f"proxy:mysql:{_MYSQL}/domains.cf",
        files=files,
    )


def _copied(context: Context) -> Lookups:
    store = context.topology.accounts.store
    transports = (f"hash:{_COPY}/transport",)
    settings = render(
        "postfix",
        "accounts-copy.cf",
        place=_COPY,
        transports="" if context.plan.relay_domains() else f"transport_maps = {transports[0]}",
        store=context.internal_ip(store) if store else "",
        port=str(layout.LMTP_PORT),
        deliveries=str(PEER_DELIVERIES),
        peers=layout.INTERNAL_PEERS,
        key=layout.INTERNAL_KEY,
        certificate=layout.INTERNAL_CERT,
    )
    return Lookups(
        settings=settings.rstrip("\n"),
        own_senders=f"hash:{_COPY}/own-senders",
        domains=f"hash:{_COPY}/domains",
        transports=transports,
    )
