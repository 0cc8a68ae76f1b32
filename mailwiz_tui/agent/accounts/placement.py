"""Which of several stores a mailbox is on. The first has those of which nothing is written down."""

from __future__ import annotations

from collections.abc import Sequence

from ..core.fault import AgentFault
from ..core.host import Host
from ..protocol.accounts import MailboxPlace
from .account_sql import PROBE, literal, number, rows
from .addresses import held_address


def where(host: Host, address: str, stores: Sequence[str]) -> MailboxPlace:
    """The store of a mailbox, and the one it is on its way to.

    Raises AgentFault where there is no such mailbox.
    """
    name = literal(held_address(address))
    found = rows(
        host,
        "SELECT JSON_OBJECT('store', s.store, 'moving_to', s.moving_to) FROM mailbox m "  # noqa: S608
        f"LEFT JOIN mailwiz_store s ON s.username = m.username WHERE m.username = {name};",
    )
    if not found:
        raise AgentFault(f"there is no mailbox {address}", "accounts", "see: mailwiz-tui mailbox list PLAN")
    return MailboxPlace(str(found[0].get("store") or stores[0]), str(found[0].get("moving_to") or ""))


def choose(host: Host, stores: Sequence[str], wanted: str = "") -> str:
    """The store for a new mailbox: the one wanted, or the one with the fewest mailboxes."""
    if wanted:
        if wanted not in stores:
            raise AgentFault(f"there is no store {wanted}; the stores are: {', '.join(stores)}", "accounts")
        return wanted
    first = literal(stores[0])
    counted = rows(
        host,
        f"SELECT JSON_OBJECT('store', COALESCE(NULLIF(s.store, ''), {first}), 'mailboxes', COUNT(*)) "  # noqa: S608
        "FROM mailbox m LEFT JOIN mailwiz_store s ON s.username = m.username "
        f"WHERE m.local_part NOT LIKE '{PROBE}%' GROUP BY COALESCE(NULLIF(s.store, ''), {first});",
    )
    held = {str(row["store"]): number(row["mailboxes"]) for row in counted if "mailboxes" in row}
    return min(stores, key=lambda store: (held.get(store, 0), stores.index(store)))
