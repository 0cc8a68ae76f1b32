"""What accounts there are: domains, mailboxes and aliases as the database has them."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..core.fault import AgentFault
from ..core.host import Host
from ..protocol.accounts import AccountList, AliasEntry, DomainEntry, MailboxEntry
from .account_sql import DATABASE, PROBE, Row, number, query, rows

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


_DOMAINS = (
    "SELECT domain FROM domain WHERE active = 1 AND backupmx = 0 AND domain <> 'ALL' "
    "UNION SELECT a.alias_domain FROM alias_domain a JOIN domain d ON d.domain = a.target_domain "
    "WHERE a.active = 1 AND d.active = 1 AND d.backupmx = 0;"
)


def mailbox_domains(host: Host) -> tuple[str, ...] | None:
    """The active ones and those that are another name for one, sorted; None where there is no such database."""
    if not os.path.isdir(host.path(f"/var/lib/mysql/{DATABASE}")):
        return None
    try:
        return tuple(sorted({line.strip().lower() for line in query(host, _DOMAINS)}))
    except AgentFault:
        return None


def everything(host: Host, stores: Sequence[str] = ()) -> AccountList:
    """Domains, mailboxes and aliases; a mailbox's alias to itself alone is left out.

    With several ``stores`` each mailbox says which it is on and where it is being moved to.
    """
    found: dict[str, list[Row]] = {"domain": [], "mailbox": [], "alias": [], "place": []}
    for row in rows(host, _LIST + (_PLACES if stores else "")):
        found[str(row["kind"])].append(row)
    places = {str(row["address"]).lower(): row for row in found["place"]}
    return AccountList(
        tuple(
            DomainEntry(str(d["domain"]), bool(d["active"]), number(d["mailboxes"]), number(d["aliases"]))
            for d in found["domain"]
        ),
        tuple(_mailbox(box, places, stores) for box in found["mailbox"]),
        tuple(alias for row in found["alias"] if (alias := _alias(row))),
    )


def _mailbox(box: Row, places: dict[str, Row], stores: Sequence[str]) -> MailboxEntry:
    address = str(box["address"])
    place = places.get(address.lower(), {})
    return MailboxEntry(
        address,
        str(box["name"]),
        number(box["quota"]),
        number(box["used"]),
        number(box["messages"]),
        bool(box["active"]),
        str(box["created"] or ""),
        str(place.get("store") or stores[0]) if stores else "",
        str(place.get("to") or "") if stores else "",
    )


def _alias(row: Row) -> AliasEntry | None:
    """An alias, unless it is a mailbox's to itself alone."""
    address = str(row["address"])
    goto = tuple(part.strip() for part in str(row["goto"]).split(",") if part.strip())
    if row["own"] and [target.lower() for target in goto] == [address.lower()]:
        return None
    return AliasEntry(address, goto, bool(row["active"]))
