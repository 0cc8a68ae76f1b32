"""The first milter of Postfix: checks the sender of a message and completes its header.

usage: mailwiz-message-checks SETTINGS [SETTINGS ...]    JSON objects; a later one has precedence

Authenticated users may use the addresses that they own; everybody else needs a From that can be parsed. Mail of
this host itself passes. While the accounts cannot be read, messages are deferred (451). For the spam filter the
field ``SERVED``, which nobody else may set, tells whether From or the envelope sender is of a domain of this
server. Long lines in users' mail are folded, or the message is rejected, before it is signed (line_length.py).
Runs on servers, with Debian's python3-milter.
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
from .line_length import LIMIT, LineCounter, fold, longest_line
from .policy import FROM, SENDER, Fields, Policy, Refusal
from .sender_owners import SenderOwners

SERVED = "X-Mailwiz-Served"
"""For the spam filter: ``header``, ``envelope`` or both are of a domain of this server. It stays in the message: if
an alias or a user's filter forwards that, the signer knows that no user wrote it."""


class MessageChecks(Milter.Base):  # type: ignore[misc]  # python3-milter has no types
    """One connection of Postfix. pymilter decodes fields: bytes that are not UTF-8 become surrogates."""

    policy: ClassVar[Policy]

    def connect(self, name: str, family: int, address: Any) -> Any:
        """The client; programs on this host are trusted."""
        self.local = is_loopback(address[0]) if address else False
        return Milter.CONTINUE

    def envfrom(self, sender: str, *rest: str) -> Any:
        """A message begins."""
        self.login = (self.getsymval("{auth_authen}") or "").lower()
        self.sender = sender.strip().removeprefix("<").removesuffix(">")
        self.authors: list[str] = []
        self.senders: list[str] = []
        self.marks, self.odd = 0, False
        self.counts: dict[str, int] = {}
        self.long: list[tuple[str, int, str]] = []
        self.lines = LineCounter()
        return Milter.CONTINUE

    def header(self, name: str, value: str) -> Any:
        """A field; only those with senders matter."""
        plain = name.strip().lower()
        if plain in (FROM, SENDER):
            self.odd = self.odd or name != name.strip()
            (self.authors if plain == FROM else self.senders).append(value)
        elif plain == SERVED.lower():
            self.marks += 1
        if self.login:
            self.counts[plain] = self.counts.get(plain, 0) + 1
            if longest_line(name, value) > LIMIT:
                self.long.append((name, self.counts[plain], value))
        return Milter.CONTINUE

    def body(self, chunk: bytes) -> Any:
        """A part of the body; lines of users' mail are measured."""
        if self.login:
            self.lines.feed(chunk)
        return Milter.CONTINUE

    def eom(self) -> Any:
        """The message is complete: reject it, or complete its header."""
        for index in range(self.marks, 0, -1):
            self.chgheader(SERVED, index, "")
        if refusal := self._fold_long_lines():
            return self._refuse(refusal)
        try:
            return self._judge()
        except AccountsUnavailableError as error:
            syslog.syslog(f"deferred mail of {self.login or self.sender or '<>'}: {error}")
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
            return self._refuse(found.refusal)
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

    def _fold_long_lines(self) -> Refusal | None:
        """Folds fields before the message is signed; rejects it if that is not possible."""
        if self.lines.longest > LIMIT:
            return Refusal("5.6.0", too_long("The text", self.lines.longest), "554")
        for name, index, value in self.long:
            new = fold(name, value)
            if new is None:
                return Refusal("5.6.0", too_long(f"The {name.strip()} field", longest_line(name, value)), "554")
            self.chgheader(name, index, new)
        return None

    def _refuse(self, refusal: Refusal) -> Any:
        syslog.syslog(f"rejected mail of {self.login or self.sender or '<>'}: {refusal.text}")
        # libmilter reads the text as a format
        self.setreply(refusal.code, refusal.status, refusal.text.replace("%", "%%"))
        return Milter.REJECT


def too_long(what: str, longest: int) -> str:
    """Why a line cannot be sent, and what the sender's program has to do."""
    return (
        f"{what} has a line of {longest} octets, {LIMIT} are allowed (RFC 5322 section 2.1.1); "
        "wrap it or encode it (quoted-printable, base64)"
    )


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
    SenderOwners(settings["owners_port"], accounts).start()
    Milter.factory = MessageChecks
    Milter.set_flags(Milter.ADDHDRS + Milter.CHGHDRS)
    Milter.runmilter("mailwiz-message-checks", settings["socket"], 120)


if __name__ == "__main__":
    main(sys.argv[1:])
