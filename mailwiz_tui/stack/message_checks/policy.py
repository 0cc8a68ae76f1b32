"""The rules for the sender of a message: for authenticated users, and for everybody else.

A login may use the addresses that it owns in From (RFC 6409 sections 6.1 and 8.1), with any envelope. A message of
others is rejected if its author cannot be parsed, because DMARC could not be evaluated (RFC 9989). Pure except for
lookups in the accounts, so ``AccountsUnavailableError`` passes through. Runs on servers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from ..accounts.account_reader import Accounts
from .from_header import FromSyntaxError, Mailbox, parse_from

FROM, SENDER = "from", "sender"
_COMPLETED = re.compile(r"\s*MAILER-DAEMON\s*\Z")
"""From in a submitted message without From and with an empty envelope sender, as cleanup(8) writes it."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to the client: enhanced status code (RFC 3463), its text, and the reply code."""

    status: str
    text: str
    code: str = "550"


@dataclass(frozen=True, slots=True)
class Fields:
    """The bodies of the fields with senders, in order; ``odd``: white space before a colon."""

    authors: tuple[str, ...] = ()
    senders: tuple[str, ...] = ()
    odd: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """``refusal`` or None. ``author`` is the address for a missing From, or empty.

    ``domains`` are those of its authors, ``served`` tells whether one of them is of this server.
    """

    refusal: Refusal | None = None
    author: str = ""
    domains: frozenset[str] = field(default_factory=frozenset)
    served: bool = False


@dataclass(frozen=True, slots=True)
class Policy:
    """The rules of one plan. ``domains`` are all of the plan, relay domains too, in lower case."""

    accounts: Accounts
    domains: frozenset[str]
    allow_foreign_from: bool = False

    def serves(self, domain: str) -> bool:
        """Whether a domain is one of this server, from plan or accounts, or below one."""
        labels = domain.lower().rstrip(".").split(".")
        if any(".".join(labels[start:]) in self.domains for start in range(len(labels))):
            return True
        return bool(self.accounts.serving(domain))

    def submitted(self, fields: Fields, login: str, sender: str) -> Judgement:
        """A message of the user ``login``; ``sender`` is the envelope sender, empty for ``<>``."""
        if not fields.authors and not fields.odd:
            refusal = self._senders(fields, login)
            return Judgement(refusal, author="" if refusal else login)
        if not sender and len(fields.authors) == 1 and _COMPLETED.match(fields.authors[0]):
            return Judgement(self._senders(fields, login), author=login)
        read = _read(fields)
        if isinstance(read, Refusal):
            return Judgement(read)
        refused = [text for text in (self._author(login, author) for author in read) if text]
        if refused:
            return Judgement(Refusal("5.7.1", refused[0]))
        return Judgement(self._senders(fields, login), domains=frozenset(author.domain for author in read))

    def incoming(self, fields: Fields) -> Judgement:
        """A message without a login."""
        read = _read(fields)
        if isinstance(read, Refusal):
            return Judgement(read)
        if any(author.literal for author in read):
            return Judgement(
                Refusal("5.7.1", "The From address has no domain, so nobody can vouch for it (RFC 9989)")
            )
        domains = frozenset(author.domain for author in read)
        return Judgement(domains=domains, served=any(self.serves(domain) for domain in domains))

    def _senders(self, fields: Fields, login: str) -> Refusal | None:
        """The fault of the Sender field: it tells recipients who sent, so it must be true too."""
        if not fields.senders:
            return None
        if len(fields.senders) > 1:
            return Refusal("5.6.0", "The message has more than one Sender field (RFC 5322 section 3.6.2)")
        try:
            read = parse_from(fields.senders[0])
        except FromSyntaxError as error:
            return Refusal("5.6.0", f"The Sender field cannot be read: {error} (RFC 5322 section 3.6.2)")
        if len(read) > 1:
            return Refusal("5.6.0", "The Sender field holds more than one address (RFC 5322 section 3.6.2)")
        text = self._author(login, read[0])
        return Refusal("5.7.1", text.replace("From", "Sender", 1)) if text else None

    def _author(self, login: str, author: Mailbox) -> str:
        """Why a login may not use an address; empty if it may."""
        if self._owns(login, author):
            return ""
        if author.literal or not self.serves(author.domain):
            if self.allow_foreign_from and not author.literal:
                return ""
            return f"The From address {author.address} is of a domain that this server does not serve"
        return f"The From address {author.address} is not one that {login} may send as"

    def _owns(self, login: str, author: Mailbox) -> bool:
        return not author.literal and login in self.accounts.owners(author.address)


def _read(fields: Fields) -> tuple[Mailbox, ...] | Refusal:
    """The authors of a message, all of one domain; or why they are invalid."""
    if fields.odd:
        return Refusal("5.6.0", "White space stands before the colon of From or Sender (RFC 5322 section 3.6.2)")
    if not fields.authors:
        return Refusal("5.6.0", "The message has no From field (RFC 5322 section 3.6.2)")
    if len(fields.authors) > 1:
        return Refusal("5.6.0", "The message has more than one From field (RFC 5322 section 3.6.2)")
    try:
        read = parse_from(fields.authors[0])
    except FromSyntaxError as error:
        return Refusal("5.6.0", f"The From field cannot be read: {error} (RFC 5322 section 3.6.2)")
    if len({author.domain for author in read}) > 1:
        return Refusal(
            "5.7.1", "The From field names addresses of several domains, so none can vouch for it (RFC 9989)"
        )
    return read
