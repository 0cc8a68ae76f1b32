"""The accounts for programs on a server: owners of addresses, targets of aliases, use of quotas.

Runs on servers, with Python 3.11 and newer. ``Accounts`` is the one place that says what an address means; a
``Source`` (account_sources.py) only reads rows. Addresses and domains are compared in lower case; an address
outside printable ASCII does not exist (SMTPUTF8 is not offered).

Every method raises ``AccountsUnavailableError`` while the accounts cannot be read: then the message is deferred.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

DELIMITER = "+"
"""The character between the name of a mailbox and an extension (postconf(5), ``recipient_delimiter``)."""
DEEPEST = 20
"""How many aliases are followed before an address counts as one without a target."""
_WORD = re.compile(r"[!-~]+\Z")


class AccountsUnavailableError(Exception):
    """The accounts cannot be read now; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Usage:
    """The use of a mailbox, in bytes; ``quota`` 0 is no limit."""

    used: int
    quota: int

    def takes(self, size: int) -> bool:
        """Whether a message of ``size`` bytes fits in."""
        return not self.quota or self.used + size <= self.quota


class Source(Protocol):
    """Rows of active accounts in active domains. Keys are lower case."""

    def domains(self) -> frozenset[str]:
        """The mailbox domains, without alias domains."""

    def alias_domains(self) -> dict[str, str]:
        """Alias domains, and the mailbox domain of each."""

    def known_domains(self, names: tuple[str, ...]) -> frozenset[str]:
        """Those of ``names`` that are mailbox or alias domains."""

    def target_domain(self, domain: str) -> str:
        """The mailbox domain of an alias domain; empty if it is none."""

    def is_mailbox(self, address: str) -> bool:
        """Whether a mailbox has exactly this name."""

    def goto(self, address: str) -> str | None:
        """The target of exactly this alias (``@domain`` for a catch-all); None if there is none."""

    def usage(self, mailbox: str) -> Usage | None:
        """The use of a mailbox; None if there is none."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """Resolves addresses. RFC 5321 leaves local parts to the receiver: here they ignore case."""

    source: Source

    def mailbox_domains(self) -> frozenset[str]:
        """The mailbox domains and the alias domains."""
        return self.source.domains() | frozenset(self.source.alias_domains())

    def serving(self, domain: str) -> str:
        """The mailbox or alias domain that a domain equals or is below; empty for a foreign domain."""
        labels = domain.lower().rstrip(".").split(".")
        parents = tuple(".".join(labels[start:]) for start in range(len(labels)))
        known = self.source.known_domains(tuple(name for name in parents if _WORD.match(name)))
        return next((name for name in parents if name in known), "")

    def owners(self, address: str) -> frozenset[str]:
        """The logins that may send as an address: its mailbox, and every mailbox that its aliases lead to."""
        return frozenset(name for name in self._walk(address) if self.source.is_mailbox(name))

    def expand(self, address: str) -> tuple[str, ...]:
        """The final recipients of an address, each once: names of mailboxes, and foreign addresses as written.

        Follows aliases, catch-alls and alias domains as Postfix does (virtual(5)). A mailbox whose alias names only
        other addresses receives nothing.
        """
        return tuple(name for name, ends in self._walk(address).items() if ends)

    def usage(self, mailbox: str) -> Usage | None:
        """The use of a mailbox, by its own name; None if there is none."""
        name = mailbox.lower()
        return self.source.usage(name) if _WORD.match(name) else None

    def _walk(self, address: str) -> dict[str, bool]:
        """Each address that is resolved on the way, and whether it is final."""
        seen: dict[str, bool] = {}
        # before lower(): it makes ASCII letters of some others, for example of U+212A
        ahead = [address.strip().lower()] if address.isascii() else []
        for _ in range(DEEPEST):
            following: list[str] = []
            for name in ahead:
                at, leads = self._step(name)
                if at in seen:
                    continue
                seen[at] = leads is None or any(_plain(other) == at for other in leads)
                following += [other for other in leads or () if other != at]
            ahead = following
            if not ahead:
                break
        return seen

    def _step(self, address: str) -> tuple[str, tuple[str, ...] | None]:
        """The name under which an address is known, and the target of its alias; None without an alias."""
        local, _, domain = address.rpartition("@")
        if not local or not domain or not _WORD.match(address):
            return address, None
        for name in self._names(local, domain):
            leads = self.source.goto(name)
            if leads is not None:
                return name, tuple(_addresses(leads)) or None
            if self.source.is_mailbox(name):
                return name, None
        for name in self._homes(domain):
            leads = self.source.goto(f"@{name}")
            if leads is not None:
                return address, tuple(_addresses(leads, local)) or None
        return address, None

    def _names(self, local: str, domain: str) -> Iterator[str]:
        """The names to look up for an address, in order: as written, then without the extension."""
        base = local.split(DELIMITER, 1)[0]
        for part in dict.fromkeys((local, base or local)):
            for home in self._homes(domain):
                yield f"{part}@{home}"

    def _homes(self, domain: str) -> tuple[str, ...]:
        target = self.source.target_domain(domain)
        return (domain, target) if target else (domain,)


def _plain(address: str) -> str:
    """An address without its extension."""
    local, _, domain = address.rpartition("@")
    return f"{local.split(DELIMITER, 1)[0] or local}@{domain}"


def _addresses(goto: str, local: str = "") -> Iterator[str]:
    """The addresses of an alias; ``@domain`` takes over the local part, as Postfix does (virtual(5))."""
    for part in re.split(r"[\s,]+", goto):
        if _WORD.match(part):
            yield f"{local}{part}".lower() if part.startswith("@") and local else part.lower()
