"""Postfix's tables of the accounts: in MariaDB on this server, or in the copy of the accounts."""

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
    """The tables of the accounts, their files, and the delivery to mailboxes.

    ``own_senders`` are rejected at port 25. ``transports`` has the store of each mailbox. ``store`` and ``port``
    are those of Dovecot's LMTP, if it is not on this server, and ``deliveries`` is how many it accepts at once.
    """

    domains: str
    mailboxes: str
    aliases: tuple[str, ...]
    own_senders: str
    deliveries: int
    copied: bool = False
    store: str = ""
    port: int = 0
    transports: tuple[str, ...] = ()
    files: tuple[File, ...] = ()


def lookups(context: Context) -> Lookups:
    """The copy of the accounts if there is one, else MariaDB on this server."""
    return _copied(context) if context.topology.accounts.copied else _database(context)


HOSTS = " ".join((f"unix:{layout.MYSQL_SOCKET}", *[f"unix:{layout.DATABASE_GATE_SOCKET}"] * 8))
"""Postfix does not use an entry for 60 s after it failed, and asks the next one. Through the gate, where a
connection waits for MariaDB, up to 25 s after it stopped and 7 s later, the next one succeeds. All together wait
less than those 60 s and the first wait, so that a lookup ends."""


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
        domains=_table("domains"),
        mailboxes=_table("mailboxes"),
        aliases=tuple(_table(name) for name in ("aliases", "alias-domains", "alias-catch-alls")),
        own_senders=_table("own-senders"),
        deliveries=Capacity.of(context.facts).deliveries,
        files=files,
    )


def _table(name: str) -> str:
    return f"proxy:mysql:{_MYSQL}/{name}.cf"


def _copied(context: Context) -> Lookups:
    store = context.topology.accounts.store
    return Lookups(
        domains=f"hash:{_COPY}/domains",
        mailboxes=f"hash:{_COPY}/mailboxes",
        aliases=(f"hash:{_COPY}/aliases",),
        own_senders=f"hash:{_COPY}/own-senders",
        deliveries=PEER_DELIVERIES,
        copied=True,
        store=context.store_ip(store) if store else "",
        port=layout.LMTP_PORT,
        transports=(f"hash:{_COPY}/transport",),
    )
