"""The milter that Postfix asks first: under whose name a message comes, and what it still lacks.

usage: mailwiz-message-checks SETTINGS [SETTINGS ...]    JSON objects; a later one wins

Users who logged in are held to the addresses they own, everybody else to a From that can be told. Mail of this
host itself passes. While the accounts cannot be read, clients are asked to try again (451). For the filter behind
it says in ``SERVED``, which nobody else may set, whether the author or the envelope's sender is of a domain served
here. Runs on servers, with Debian's python3-milter.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import sys
import syslog
from typing import Any, ClassVar

import Milter

from ..accounts.account_reader import AccountsUnavailableError
from ..accounts.account_sources import accounts_from
from .policy import FROM, SENDER, Fields, Judgement, Policy
from .sender_owners import SenderOwners

SERVED = "X-Mailwiz-Served"
"""Tells the filter: ``header``, ``envelope`` or both are of a domain served here."""


class MessageChecks(Milter.Base):  # type: ignore[misc]
    """One connection of Postfix. Fields are decoded by pymilter: bytes that are no UTF-8 become surrogates."""

    policy: ClassVar[Policy]

    def connect(self, name: str, family: int, address: Any) -> Any:
        """Who connects; programs on this host are trusted."""
        self.local = is_loopback(address[0]) if address else False
        return Milter.CONTINUE

    def envfrom(self, sender: str, *rest: str) -> Any:
        """A message begins."""
        self.login = (self.getsymval("{auth_authen}") or "").lower()
        self.sender = sender.strip().removeprefix("<").removesuffix(">")
        self.authors: list[str] = []
        self.senders: list[str] = []
        self.marks, self.odd = 0, False
        return Milter.CONTINUE

    def header(self, name: str, value: str) -> Any:
        """A field; only those that name people matter."""
        plain = name.strip().lower()
        if plain in (FROM, SENDER):
            self.odd = self.odd or name != name.strip()
            (self.authors if plain == FROM else self.senders).append(value)
        elif plain == SERVED.lower():
            self.marks += 1
        return Milter.CONTINUE

    def eom(self) -> Any:
        """The message is whole: refuse it, or complete it."""
        for index in range(self.marks, 0, -1):
            self.chgheader(SERVED, index, "")
        try:
            return self._judge()
        except AccountsUnavailableError as error:
            syslog.syslog(f"put off mail of {self.login or self.sender or '<>'}: {error}")
            self.setreply("451", "4.3.0", "The accounts cannot be read now, try again later")
            return Milter.TEMPFAIL

    def _judge(self) -> Any:
        fields = Fields(tuple(self.authors), tuple(self.senders), self.odd)
        if self.login:
            found = self.policy.submitted(fields, self.login, self.sender)
        elif self.local:
            return Milter.CONTINUE
        else:
            found = self.policy.incoming(fields)
        if found.refusal is not None:
            return self._refuse(found)
        if found.author:
            if self.authors:
                self.chgheader("From", 1, found.author)
            else:
                self.addheader("From", found.author)
        if not self.login:
            envelope = self.policy.serves(self.sender.rpartition("@")[2]) if self.sender else False
            places = [name for name, served in (("header", found.served), ("envelope", envelope)) if served]
            if places:
                self.addheader(SERVED, " ".join(places))
        return Milter.CONTINUE

    def _refuse(self, found: Judgement) -> Any:
        assert found.refusal is not None
        status, text = found.refusal.status, found.refusal.text
        syslog.syslog(f"refused mail of {self.login or self.sender or '<>'}: {text}")
        # libmilter reads the text as a format
        self.setreply("550", status, text.replace("%", "%%"))
        return Milter.REJECT


def is_loopback(address: str) -> bool:
    """Whether an address is of this host itself."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback


def main(paths: list[str]) -> None:
    """Serve until systemd stops it."""
    settings: dict[str, Any] = {}
    for path in paths:
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as handle:
            settings.update(json.load(handle))
    syslog.openlog("mailwiz-message-checks", syslog.LOG_PID, syslog.LOG_MAIL)
    accounts = accounts_from(settings["accounts"])
    domains = frozenset(name.lower() for name in settings["domains"])
    MessageChecks.policy = Policy(accounts, domains, settings["allow_foreign_from"])
    if settings["owners_port"]:
        SenderOwners(settings["owners_port"], accounts).start()
    Milter.factory = MessageChecks
    Milter.set_flags(Milter.ADDHDRS + Milter.CHGHDRS)
    Milter.runmilter("mailwiz-message-checks", settings["socket"], 120)


if __name__ == "__main__":
    main(sys.argv[1:])
