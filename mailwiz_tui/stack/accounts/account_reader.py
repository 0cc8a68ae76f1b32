"""Accounts as programs on a server read them: which address is whose, where it leads, how full a mailbox is.

Runs on servers, with Python 3.11 and newer. ``Accounts`` is the one place that says what an address means; a
``Source`` (account_sources.py) only brings rows. Addresses and domains are compared in lower case; whatever is
not printable ASCII belongs to nobody (SMTPUTF8 is not offered).

Every question raises ``AccountsUnavailableError`` while the accounts cannot be read: ask the sender to try again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

DELIMITER = "+"
"""What separates a mailbox's name from the rest of a local part (postconf(5), ``recipient_delimiter``)."""
DEEPEST = 20
"""How many aliases may follow one another before an address counts as leading nowhere."""
_WORD = re.compile(r"[!-~]+\Z")


class AccountsUnavailableError(Exception):
    """The accounts cannot be read now; the message says where and why."""


@dataclass(frozen=True, slots=True)
class Usage:
    """How full a mailbox is, in bytes; ``quota`` 0 means that it has none."""

    used: int
    quota: int

    def takes(self, size: int) -> bool:
        """Whether a message of ``size`` bytes fits in."""
        return not self.quota or self.used + size <= self.quota


class Source(Protocol):
    """Rows of the accounts that are active, in domains that are. Keys are lower case."""

    def domains(self) -> frozenset[str]:
        """The mailbox domains, without those that are another name for one."""

    def alias_domains(self) -> dict[str, str]:
        """The domains that are another name, and the mailbox domain each stands for."""

    def known_domains(self, names: tuple[str, ...]) -> frozenset[str]:
        """Those of ``names`` that are mailbox or alias domains."""

    def target_domain(self, domain: str) -> str:
        """The mailbox domain that a domain is another name for; empty where it is none."""

    def is_mailbox(self, address: str) -> bool:
        """Whether a mailbox has exactly this name."""

    def goto(self, address: str) -> str | None:
        """Where the alias of exactly this address leads (``@domain`` for a catch-all); None where there is none."""

    def usage(self, mailbox: str) -> Usage | None:
        """How full a mailbox is; None where there is none."""


@dataclass(frozen=True, slots=True)
class Accounts:
    """What an address means. RFC 5321 leaves local parts to the receiver: here they ignore case."""

    source: Source

    def mailbox_domains(self) -> frozenset[str]:
        """The domains with mailboxes here, and those that are another name for one."""
        return self.source.domains() | frozenset(self.source.alias_domains())

    def serving(self, domain: str) -> str:
        """The mailbox or alias domain that a domain is, or is below of; empty for a foreign domain."""
        labels = domain.lower().rstrip(".").split(".")
        parents = tuple(".".join(labels[start:]) for start in range(len(labels)))
        known = self.source.known_domains(tuple(name for name in parents if _WORD.match(name)))
        return next((name for name in parents if name in known), "")

    def owners(self, address: str) -> frozenset[str]:
        """The logins that may send as an address: its mailbox, and every mailbox that its aliases lead to."""
        return frozenset(name for name in self._walk(address) if self.source.is_mailbox(name))

    def expand(self, address: str) -> tuple[str, ...]:
        """Where mail for an address ends: mailboxes by their names, the rest as it is written, each once.

        Follows aliases, catch-alls and alias domains as Postfix does (virtual(5)). A mailbox whose alias leads
        elsewhere and not to itself gets nothing.
        """
        return tuple(name for name, ends in self._walk(address).items() if ends)

    def usage(self, mailbox: str) -> Usage | None:
        """How full a mailbox is, by its own name; None where there is none."""
        name = mailbox.lower()
        return self.source.usage(name) if _WORD.match(name) else None

    def _walk(self, address: str) -> dict[str, bool]:
        """Every name on the way of an address, and whether mail ends there."""
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
        """The name an address is known by, and where its alias leads; None where it has no alias."""
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
        """The names to look an address up by, best first: as written, then without what follows the delimiter."""
        base = local.split(DELIMITER, 1)[0]
        for part in dict.fromkeys((local, base or local)):
            for home in self._homes(domain):
                yield f"{part}@{home}"

    def _homes(self, domain: str) -> tuple[str, ...]:
        target = self.source.target_domain(domain)
        return (domain, target) if target else (domain,)


def _plain(address: str) -> str:
    """An address without what follows the delimiter."""
    local, _, domain = address.rpartition("@")
    return f"{local.split(DELIMITER, 1)[0] or local}@{domain}"


def _addresses(goto: str, local: str = "") -> Iterator[str]:
    """The addresses of an alias; ``@domain`` takes over the local part, as Postfix does (virtual(5))."""
    for part in re.split(r"[\s,]+", goto):
        if _WORD.match(part):
            yield f"{local}{part}".lower() if part.startswith("@") and local else part.lower()
