"""First accounts, and the mailbox that verification uses, in MariaDB with PostfixAdmin's tables.

A first password counts as handed over only when the controller says that the operator has seen it
(``acknowledge``). Until then every ``ensure`` sets the new one it is given, so that a password lost with a
killed controller is simply replaced. Passwords come in a request and are kept only as hashes.
"""

from __future__ import annotations

import json
import re
from typing import Any

from . import files
from .fault import AgentFault
from .host import STATE, Host, require

DATABASE = "postfix"
_BOOK = STATE + "/accounts.json"
_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,252}\Z")
_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}\Z")


def ensure(
    host: Host, accounts: list[dict[str, Any]], aliases: list[dict[str, Any]], domains: list[str]
) -> dict[str, Any]:
    """Domains, mailboxes and aliases that must exist; nothing that exists is changed.

    ``accounts``: ``{"address", "password"}``; ``aliases``: ``{"address", "goto"}``. Returns ``{"set": [...]}``,
    the addresses whose password is now the one given.
    """
    book = _read_book(host)
    existing = set(_query(host, "SELECT username FROM mailbox;"))
    statements = [_domain_row(domain) for domain in domains]
    passwords_set = []
    for account in accounts:
        address, password = _address(account["address"]), str(account["password"])
        if address in existing and book.get(address, {}).get("handed_over", True):
            continue
        if address not in existing:
            book[address] = {"handed_over": False}
            _write_book(host, book)
        statements.append(_mailbox_rows(address, hashed(host, password)))
        passwords_set.append(address)
    for alias in aliases:
        address, goto = _address(alias["address"]), _address(alias["goto"])
        statements.append(_alias_row(address, goto))
    if statements:
        _query(host, "START TRANSACTION;\n" + "\n".join(statements) + "\nCOMMIT;")
    return {"set": passwords_set}


def acknowledge(host: Host, addresses: list[str]) -> dict[str, Any]:
    """Remembers that the operator has these passwords; they are never set again by ``ensure``."""
    book = _read_book(host)
    for address in addresses:
        if address in book:
            book[address]["handed_over"] = True
    _write_book(host, book)
    return {"handed_over": sorted(a for a, entry in book.items() if entry["handed_over"])}


def open_probe(host: Host, address: str, password: str) -> dict[str, Any]:
    """Makes or opens the verification mailbox with a new password."""
    address = _address(address)
    _query(host, _mailbox_rows(address, hashed(host, password), alias=False))
    host.run(["doveadm", "auth", "cache", "flush", address], timeout=10)
    return {"address": address}


def close_probe(host: Host, address: str) -> dict[str, Any]:
    """Shuts the verification mailbox, makes its password worthless and removes its mail."""
    address = _address(address)
    host.run(["doveadm", "expunge", "-u", address, "mailbox", "*", "ALL"], timeout=20)
    name = _text(address)
    _query(host, f"UPDATE mailbox SET active = 0, password = '*', modified = NOW() WHERE username = {name};")  # noqa: S608
    host.run(["doveadm", "auth", "cache", "flush", address], timeout=10)
    host.run(["doveadm", "kick", address], timeout=10)
    return {"address": address}


def hashed(host: Host, password: str) -> str:
    """The password as Dovecot's ``{SCHEME}hash``; the program that makes it gets it on standard input."""
    if len(password) < 12 or not password.isprintable():
        raise AgentFault("a password of fewer than 12 characters was refused", "accounts")
    twice = f"{password}\n{password}\n".encode()
    for scheme in ("ARGON2ID", "SHA512-CRYPT"):
        done = host.run(["doveadm", "pw", "-s", scheme], twice, timeout=30)
        found = re.search(rf"\{{{scheme}\}}\S+", done.text) if done.ok else None
        if found:
            return found[0]
    done = require(host.run(["openssl", "passwd", "-6", "-stdin"], f"{password}\n".encode()),
                   "the password cannot be hashed", "accounts")  # fmt: skip
    return "{SHA512-CRYPT}" + done.text.strip()


def _mailbox_rows(address: str, password_hash: str, *, alias: bool = True) -> str:
    local, _, domain = address.rpartition("@")
    columns = {
        "username": address, "password": password_hash, "name": local, "maildir": f"{domain}/{local}/",
        "local_part": local, "domain": domain,
    }  # fmt: skip
    again = f"ON DUPLICATE KEY UPDATE password = {_text(password_hash)}, modified = NOW(), active = 1"
    box = _row("INSERT", "mailbox", columns, again)
    return box + ("\n" + _alias_row(address, address) if alias else "")


def _alias_row(address: str, goto: str) -> str:
    domain = address.rpartition("@")[2]
    return _row("INSERT IGNORE", "alias", {"address": address, "goto": goto, "domain": domain})


def _domain_row(domain: str) -> str:
    if not _DOMAIN.match(domain):
        raise AgentFault(f"{domain!r} is no domain", "accounts")
    return _row("INSERT IGNORE", "domain", {"domain": domain.lower(), "description": "", "transport": "virtual"})


def _row(verb: str, table: str, columns: dict[str, str], tail: str = "") -> str:
    names = ", ".join((*columns, "created", "modified", "active"))
    values = ", ".join((*map(_text, columns.values()), "NOW()", "NOW()", "1"))
    return f"{verb} INTO {table} ({names}) VALUES ({values}) {tail};"


def _address(text: Any) -> str:
    if not _ADDRESS.match(str(text)):
        raise AgentFault(f"{text!r} is no mail address", "accounts")
    return str(text).lower()


def _text(value: str) -> str:
    """A string for SQL; whatever is not plain is refused rather than escaped."""
    if not re.fullmatch(r"[A-Za-z0-9 ._+@/{}$,=*-]*", value):
        raise AgentFault("a value with unexpected characters was kept from the database", "accounts")
    return f"'{value}'"


def _query(host: Host, statements: str) -> list[str]:
    """Runs SQL over the unix socket as root, from standard input; the rows as lines."""
    done = host.run(["mariadb", "--no-defaults", "--batch", "--skip-column-names", "--database", DATABASE],
                    statements.encode(), timeout=30)  # fmt: skip
    require(done, "the accounts' database does not answer", "mariadb", "on the server: systemctl status mariadb")
    return done.text.split("\n") if done.text else []


def _read_book(host: Host) -> dict[str, Any]:
    try:
        with open(host.path(_BOOK), encoding="utf-8") as handle:
            found = json.load(handle)
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _write_book(host: Host, book: dict[str, Any]) -> None:
    host.make_state_dirs()
    files.write(host, _BOOK, json.dumps(book, indent=1, sort_keys=True).encode() + b"\n", 0o600)
