"""The first administrator of the admin panel, in PostfixAdmin's tables.

Whoever may do everything there has ``superadmin`` set and the domain ``ALL``. The password is handed over like
that of a first mailbox (``accounts.py``): each ``ensure`` sets a new one until the operator is known to have it.
"""

from __future__ import annotations

from typing import Any

from ..core.host import Host
from . import first_accounts
from .account_sql import change, insert, literal, rows
from .addresses import address_of

_KEY = "admin panel: "


def ensure(host: Host, address: str, password: str) -> dict[str, Any]:
    """An administrator of that name, unless there is one of any name that the operator knows.

    Returns ``{"set": address}`` if its password is now the one given, else ``{"set": ""}``.
    """
    address = address_of(address)
    book = first_accounts.read_book(host)
    entry = book.get(_KEY + address, {})
    there = rows(host, "SELECT JSON_OBJECT('name', username) FROM admin WHERE superadmin = 1 AND active = 1;")
    if there and entry.get("handed_over", True):
        return {"set": ""}
    book[_KEY + address] = {"handed_over": False}
    first_accounts.write_book(host, book)
    name, new = literal(address), literal(first_accounts.hashed(host, password))
    again = f"ON DUPLICATE KEY UPDATE password = {new}, superadmin = 1, modified = NOW(), active = 1"
    change(
        host,
        insert("INSERT", "admin", {"username": name, "password": new, "superadmin": "1"}, again),
        f"DELETE FROM domain_admins WHERE username = {name} AND domain = 'ALL';",  # noqa: S608
        "INSERT INTO domain_admins (username, domain, created, active) "  # noqa: S608
        f"VALUES ({name}, 'ALL', NOW(), 1);",
    )
    return {"set": address}


def acknowledge(host: Host, address: str) -> dict[str, Any]:
    """Remembers that the operator has this administrator's password; ``ensure`` never sets it again."""
    first_accounts.acknowledge(host, [_KEY + address_of(address)])
    return {}
