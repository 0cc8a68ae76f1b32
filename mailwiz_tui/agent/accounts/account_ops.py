"""What the controller may ask about accounts: one table of operations, and the list of everything there is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.fault import AgentFault
from ..core.host import Host
from ..moves import mailbox_home
from . import aliases, mailboxes, placement
from .account_sql import PROBE, rows

_LIST = f"""
SELECT JSON_OBJECT('kind', 'domain', 'domain', d.domain, 'active', d.active, 'relay', d.backupmx,
    'mailboxes', (SELECT COUNT(*) FROM mailbox m WHERE m.domain = d.domain AND m.local_part NOT LIKE '{PROBE}%'),
    'aliases', (SELECT COUNT(*) FROM alias a WHERE a.domain = d.domain AND NOT EXISTS
        (SELECT 1 FROM mailbox m WHERE m.username = a.address)))
    FROM domain d WHERE d.domain <> 'ALL' ORDER BY d.domain;
SELECT JSON_OBJECT('kind', 'mailbox', 'address', m.username, 'name', m.name, 'quota', m.quota,
    'used', COALESCE(q.bytes, 0), 'messages', COALESCE(q.messages, 0), 'active', m.active,
    'created', DATE_FORMAT(m.created, '%Y-%m-%dT%H:%i:%s'))
    FROM mailbox m LEFT JOIN quota2 q ON q.username = m.username
    WHERE m.local_part NOT LIKE '{PROBE}%' ORDER BY m.domain, m.local_part;
SELECT JSON_OBJECT('kind', 'alias', 'address', a.address, 'goto', a.goto, 'active', a.active,
    'own', EXISTS (SELECT 1 FROM mailbox m WHERE m.username = a.address))
    FROM alias a ORDER BY a.domain, a.address;
"""  # noqa: S608
_PLACES = (
    "SELECT JSON_OBJECT('kind', 'place', 'address', username, 'store', store, 'to', moving_to) FROM mailwiz_store;"
)


def everything(host: Host, stores: list[str] | None = None) -> dict[str, Any]:
    """Domains, mailboxes and aliases; a mailbox's alias to itself alone is left out.

    With several ``stores`` each mailbox says which it is on and where it is being moved to.
    """
    found: dict[str, list[dict[str, Any]]] = {"domain": [], "mailbox": [], "alias": [], "place": []}
    for row in rows(host, _LIST + (_PLACES if stores else "")):
        found[str(row.pop("kind"))].append(row)
    places = {str(row["address"]).lower(): row for row in found["place"]}
    for box in found["mailbox"] if stores else ():
        place = places.get(str(box["address"]).lower(), {})
        box["store"], box["moving_to"] = place.get("store") or (stores or [""])[0], place.get("to") or ""
    aliases = []
    for alias in found["alias"]:
        goto = [part.strip() for part in str(alias["goto"]).split(",") if part.strip()]
        if not (alias.pop("own") and [g.lower() for g in goto] == [str(alias["address"]).lower()]):
            aliases.append({**alias, "goto": goto})
    return {"domains": found["domain"], "mailboxes": found["mailbox"], "aliases": aliases}


WORK: dict[str, Callable[..., dict[str, Any]]] = {
    "list": everything,
    "add": mailboxes.add,
    "password": mailboxes.set_password,
    "change": mailboxes.edit,
    "remove": mailboxes.remove,
    "mailbox_created": mailbox_home.mailbox_created,
    "mailbox_removed": mailbox_home.mailbox_removed,
    "where": placement.where,
    "alias_add": aliases.add,
    "alias_remove": aliases.remove,
}


def work(host: Host, what: str, args: dict[str, Any]) -> dict[str, Any]:
    """Does one thing with accounts. Raises AgentFault."""
    if what not in WORK:
        raise AgentFault(f"the agent cannot {what!r} accounts", "accounts")
    return WORK[what](host, **args)
