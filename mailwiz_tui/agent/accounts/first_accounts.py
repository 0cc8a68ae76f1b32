"""First accounts, and the mailbox that verification uses, in MariaDB with PostfixAdmin's tables.

A first password counts as handed over only when the controller says that the operator has seen it
(``acknowledge``). Until then every ``ensure`` sets the new one it is given, so that a password lost with a
killed controller is simply replaced. Passwords come in a request and are kept only as hashes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from ..core import files
from ..core.fault import AgentFault
from ..core.host import STATE, Host, require
from ..protocol.first_accounts import EnsureAccounts, PasswordsSet
from .account_sql import domain_of, insert, literal, query
from .addresses import address_of

_BOOK = STATE + "/accounts.json"
SHORTEST = 12
"""Characters that a password has at least."""


def ensure(host: Host, wanted: EnsureAccounts) -> PasswordsSet:
    """Domains, mailboxes and aliases that must exist; nothing that exists is changed.

    Returns the addresses whose password is now the one given.
    """
    book = read_book(host)
    existing = set(query(host, "SELECT username FROM mailbox;"))
    statements = [_domain_row(domain) for domain in wanted.domains]
    passwords_set = []
    for account in wanted.accounts:
        address, password = address_of(account.address), account.password.reveal()
        if address in existing and book.get(address, True):
            continue
        if address not in existing:
            book[address] = False
            write_book(host, book)
        statements.append(_mailbox_rows(address, hashed(host, password)))
        passwords_set.append(address)
    for alias in wanted.aliases:
        statements.append(_alias_row(address_of(alias.address), address_of(alias.goto)))
    if statements:
        query(host, "START TRANSACTION;\n" + "\n".join(statements) + "\nCOMMIT;")
    return PasswordsSet(tuple(passwords_set))


def acknowledge(host: Host, addresses: Collection[str]) -> None:
    """Remembers that the operator has these passwords; they are never set again by ``ensure``."""
    book = read_book(host)
    for address in addresses:
        if address in book:
            book[address] = True
    write_book(host, book)


def open_probe(host: Host, address: str, password: str, store: str = "") -> None:
    """Makes or opens the verification mailbox with a new password; ``store`` names one of several for it.

    It has an alias to itself while it is open, like every mailbox, or a catch-all would take its mail.
    """
    address = address_of(address)
    query(host, _mailbox_rows(address, hashed(host, password)) + (stored_on(address, store) if store else ""))
    host.run(["doveadm", "auth", "cache", "flush", address], timeout=10)


def close_probe(host: Host, address: str) -> None:
    """Shuts the verification mailbox, makes its password worthless and removes its mail."""
    address = address_of(address)
    host.run(["doveadm", "expunge", "-u", address, "mailbox", "*", "ALL"], timeout=20)
    name = literal(address)
    query(
        host,
        f"DELETE FROM alias WHERE address = {name};\n"  # noqa: S608
        f"UPDATE mailbox SET active = 0, password = '*', modified = NOW() WHERE username = {name};",
    )
    host.run(["doveadm", "auth", "cache", "flush", address], timeout=10)
    host.run(["doveadm", "kick", address], timeout=10)


def hashed(host: Host, password: str) -> str:
    """The password as Dovecot's ``{SCHEME}hash``; the program that makes it gets it on standard input."""
    if len(password) < SHORTEST:
        raise AgentFault(f"the password has fewer than {SHORTEST} characters", "accounts")
    if not password.isprintable():
        raise AgentFault("the password contains control characters", "accounts")
    twice = f"{password}\n{password}\n".encode()
    for scheme in ("ARGON2ID", "SHA512-CRYPT"):
        done = host.run(["doveadm", "pw", "-s", scheme], twice, timeout=30)
        found = re.search(rf"\{{{scheme}\}}\S+", done.text) if done.ok else None
        if found:
            return found[0]
    done = require(host.run(["openssl", "passwd", "-6", "-stdin"], f"{password}\n".encode()),
                   "the password cannot be hashed", "accounts")  # fmt: skip
    return "{SHA512-CRYPT}" + done.text.strip()


def _mailbox_rows(address: str, password_hash: str) -> str:
    local, _, domain = address.rpartition("@")
    columns = {
        "username": address, "password": password_hash, "name": local, "maildir": f"{domain}/{local}/",
        "local_part": local, "domain": domain,
    }  # fmt: skip
    again = f"ON DUPLICATE KEY UPDATE password = {literal(password_hash)}, modified = NOW(), active = 1"
    box = insert("INSERT", "mailbox", {name: literal(value) for name, value in columns.items()}, again)
    return f"{box}\n{_alias_row(address, address)}"


def stored_on(address: str, store: str) -> str:
    """The statement that puts a mailbox on one of several stores."""
    where, what = literal(address), literal(store)
    return (
        f"\nINSERT INTO mailwiz_store (username, store) VALUES ({where}, {what}) "
        f"ON DUPLICATE KEY UPDATE store = {what}, moving_to = '';"
    )


def _alias_row(address: str, goto: str) -> str:
    columns = {"address": address, "goto": goto, "domain": address.rpartition("@")[2]}
    return insert("INSERT IGNORE", "alias", {name: literal(value) for name, value in columns.items()})


def _domain_row(domain: str) -> str:
    columns = {"domain": domain_of(domain), "description": "", "transport": "virtual"}
    return insert("INSERT IGNORE", "domain", {name: literal(value) for name, value in columns.items()})


def read_book(host: Host) -> dict[str, bool]:
    """Whose first passwords were made here, and whether the operator has them.

    In the file each is an object with ``handed_over``.
    """
    try:
        with open(host.path(_BOOK), encoding="utf-8") as handle:
            found = json.load(handle)
    except (OSError, ValueError):
        return {}
    entries = found.items() if isinstance(found, dict) else ()
    return {str(name): bool(entry.get("handed_over", True)) for name, entry in entries}


def write_book(host: Host, book: dict[str, bool]) -> None:
    """Keeps what ``read_book`` reads."""
    host.make_state_dirs()
    kept = {name: {"handed_over": handed_over} for name, handed_over in book.items()}
    files.write(host, _BOOK, json.dumps(kept, indent=1, sort_keys=True).encode() + b"\n", 0o600)
