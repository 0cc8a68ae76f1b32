"""The first administrator of the admin panel, in PostfixAdmin's tables.

Whoever may do everything there has ``superadmin`` set and the domain ``ALL``. The password is handed over like
that of a first mailbox (``accounts.py``): each ``ensure`` sets a new one until the operator is known to have it.
"""

from __future__ import annotations

from ..core.host import Host
from ..protocol.first_accounts import PasswordsSet
from . import first_accounts
from .account_sql import change, insert, literal, rows
from .addresses import address_of

_KEY = "admin panel: "


def ensure(host: Host, address: str, password: str) -> PasswordsSet:
    """An administrator of that name, unless there is one of any name that the operator knows.

    Returns the address if its password is now the one given, else nothing.
    """
    address = address_of(address)
    book = first_accounts.read_book(host)
    there = rows(host, "SELECT JSON_OBJECT('name', username) FROM admin WHERE superadmin = 1 AND active = 1;")
    if there and book.get(_KEY + address, True):
        return PasswordsSet(())
    book[_KEY + address] = False
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
    return PasswordsSet((address,))


def acknowledge(host: Host, address: str) -> None:
    """Remembers that the operator has this administrator's password; ``ensure`` never sets it again."""
    first_accounts.acknowledge(host, [_KEY + address_of(address)])
