"""The accounts as tables of Postfix and Dovecot, for a server without MariaDB. Runs on servers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

from .copy_query import WORD, MailboxRow, Rows
from .copy_settings import CopySettings

ELSEWHERE = "userdb_tempfail=yes"
"""Dovecot's field for a user whose mail it defers (Dovecot's manual, "User extra fields")."""
TO_THE_STORE = "starttls=yes proxy_no_multiplex=yes"
"""Dovecot's fields for a front's connection to a store: TLS, and no side channel inside the connection.

With TLS and the side channel, Dovecot 2.4 loses input that OpenSSL has already read from the socket: with many
clients, logins and answers hang (fixed by https://github.com/dovecot/core/commit/026030c0ad84, after 2.4.4; the
second field can go when Debian 13 has it). Dovecot 2.3 has no side channel and ignores the field.
"""


def goto(text: str) -> str:
    """The targets of an alias in Postfix's form; empty if none of them is an address."""
    return ", ".join(part for part in re.split(r"[\s,]+", text) if WORD.match(part))


def _looked_up(address: str) -> tuple[str, ...]:
    """A name in the form that Dovecot lists, and in that of its passwd-file (quotes escaped) if it differs.

    https://github.com/dovecot/core/blob/2.4.1/src/auth/db-passwd-file.c (str_escape; 2.3 does the same)
    """
    return tuple(dict.fromkeys((address, re.sub(r"([\"'\\])", r"\\\1", address))))


class Tables:
    """Tables made from the rows; entries that do not fit into a line are omitted."""

    def __init__(self, rows: Rows, settings: CopySettings) -> None:
        self.settings = settings
        self.domains = [r["domain"].lower() for r in rows["domain"] if WORD.match(r["domain"])]
        known = set(self.domains)
        self.alias_domains = {
            r["domain"].lower(): r["target"].lower()
            for r in rows["alias_domain"]
            if WORD.match(r["domain"]) and r["target"].lower() in known
        }
        self.mailboxes = {r["address"].lower(): r for r in rows["mailbox"] if WORD.match(r["address"])}
        self.aliases = {
            r["address"].lower(): goto(r["goto"])
            for r in rows["alias"]
            if WORD.match(r["address"]) and goto(r["goto"])
        }

    def maps(self) -> dict[str, dict[str, str]]:
        """Postfix's lookup tables by name: key and value of each entry."""
        domains = (*self.domains, *self.alias_domains)
        found = {
            "domains": {domain: domain for domain in domains},
            "mailboxes": {a: box["maildir"] for a, box in self.mailboxes.items() if WORD.match(box["maildir"])},
            "aliases": self._alias_map(),
            "transport": self._transport_map(),
            "own-senders": dict.fromkeys(domains, self.settings.own_sender_reply),
        }
        for there, address in self._in_alias_domains(self.mailboxes):
            found["mailboxes"][there] = found["mailboxes"].get(address, address)
        return {name: found[name] for name in self.settings.maps}

    def directory(self) -> dict[str, Any]:
        """The file for programs that check messages: no password hashes (see account_sources.py)."""
        return {
            "domains": sorted(self.domains),
            "alias_domains": self.alias_domains,
            "mailboxes": {address: [box["used"], box["quota"]] for address, box in self.mailboxes.items()},
            "aliases": self.aliases,
        }

    def logins(self) -> str:
        """Dovecot's passwd-file: a front proxies a login to the server of the mailbox.

        A store that does not have a mailbox, or from which it is being moved, defers its mail instead of creating
        a second mailbox.
        """
        lines = []
        for address, box in sorted(self.mailboxes.items()):
            password = box.get("password", "")
            if WORD.match(password) and ":" not in password and ":" not in address:
                lines += [f"{name}:{password}::::::{self._fields(box)}\n" for name in _looked_up(address)]
        return "".join(lines)

    def _fields(self, box: MailboxRow) -> str:
        """The extra fields of a login."""
        settings, store = self.settings, self._store_of(box)
        if settings.front and store != settings.own_store:
            place = settings.stores.get(store)
            if box["moving"] or place is None:
                fields = "nologin=yes"
            else:
                fields = f"proxy=yes host={place.name} hostip={place.address} {TO_THE_STORE}"
            return f"{fields} {ELSEWHERE}" if settings.own_store else fields
        if settings.own_store and store != settings.own_store:
            return ELSEWHERE
        fields = settings.quota_field.replace("BYTES", str(box["quota"])) if box["quota"] else ""
        return f"{fields} {ELSEWHERE}".strip() if box["moving"] else fields

    def _store_of(self, box: MailboxRow) -> str:
        """The id of the store that a mailbox is on."""
        return box["store"] or self.settings.first_store

    def _in_alias_domains(self, addresses: Iterable[str]) -> Iterator[tuple[str, str]]:
        """Each address under the alias domains of its domain, catch-alls too: (alias, address)."""
        for other, target in self.alias_domains.items():
            for address in addresses:
                local, _, domain = address.rpartition("@")
                if domain == target:
                    yield f"{local}@{other}", address

    def _alias_map(self) -> dict[str, str]:
        """An alias domain has the mailboxes and aliases of its target; its own aliases have precedence."""
        found = dict(self._in_alias_domains(self.mailboxes))
        found |= {there: self.aliases[address] for there, address in self._in_alias_domains(self.aliases)}
        return found | self.aliases

    def _transport_map(self) -> dict[str, str]:
        """Mailboxes that are not on the first store; retry(8) defers what cannot be delivered now."""
        found = {}
        for address, box in self.mailboxes.items():
            store = self._store_of(box)
            place = self.settings.stores.get(store)
            if box["moving"]:
                found[address] = "retry:4.2.1 The mailbox is being moved"
            elif place is None:
                found[address] = "retry:4.3.0 The mailbox is on a server that is not in the plan"
            elif store != self.settings.first_store:
                found[address] = f"lmtp:inet:[{place.address}]:{self.settings.lmtp_port}"
        return found
