"""Authentication-Results (RFC 8601) of a message, from the results of SpamAssassin's rules and OpenDKIM.

Runs on servers, with Python 3.11 and newer. SpamAssassin names the rules that match; OpenDKIM, an earlier milter,
has a field for each DKIM signature, whose authserv-id ends with the queue id: nobody outside can know that before
the message is accepted, so such a field is never forged.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from email.utils import getaddresses

NAME = "Authentication-Results"
_SPF = ("PASS", "FAIL", "SOFTFAIL", "NEUTRAL", "NONE", "TEMPERROR", "PERMERROR")
_DMARC = {
    "DMARC_PASS": "pass",
    "DMARC_REJECT": "fail",
    "DMARC_QUAR": "fail",
    "DMARC_NONE": "fail",
    "DMARC_MISSING": "none",
}
_POLICY = {"DMARC_REJECT": "reject", "DMARC_QUAR": "quarantine", "DMARC_NONE": "none"}
_DOMAIN = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*\Z")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9._-]+\Z")
_PART = re.compile(r"\s*(?:\\.|[^\\;()\"]|\"(?:\\.|[^\\\"])*\")+|;|\(|\)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Message:
    """A message: the client's greeting, the envelope sender, From fields, and earlier results.

    ``server`` is the authserv-id, ``queue_id`` Postfix's id of the message; ``results`` are the values of its
    Authentication-Results fields, newest first.
    """

    server: str
    queue_id: str
    helo: str
    sender: str
    authors: tuple[str, ...]
    results: tuple[str, ...] = ()


def evaluated(symbols: Iterable[str]) -> bool:
    """Whether there are results: for mail from the plan's own servers there are none."""
    return "ALL_TRUSTED" not in set(symbols)


def value(message: Message, symbols: Iterable[str]) -> str:
    """The field's value, folded: DKIM from OpenDKIM, SPF and DMARC from SpamAssassin's rules."""
    found = set(symbols)
    parts = [
        *(_told_dkim(message) or [_dkim(found)]),
        _spf(found, message.sender, message.helo),
        _dmarc(found, message.authors),
    ]
    return ";\n\t".join([message.server, *parts])


def _told_dkim(message: Message) -> list[str]:
    """OpenDKIM's own results, if its field exists."""
    mark = f"{message.server}/{message.queue_id}".lower()
    for field in message.results:
        server, *parts = split(field)
        if server.lower() == mark:
            return [part for part in parts if re.match(r"dkim\s*=", part, re.IGNORECASE)]
    return []


def split(field: str) -> list[str]:
    """The parts of a field between semicolons outside comments and quoted strings; runs of white space are one."""
    parts, depth = [""], 0
    for token in _PART.findall(field):
        depth = max(0, depth + (token == "(") - (token == ")"))  # noqa: S105
        if token == ";" and not depth:  # noqa: S105
            parts.append("")
        else:
            parts[-1] += token
    return [" ".join(part.split()) for part in parts]


def _dkim(symbols: set[str]) -> str:
    if "DKIM_VALID" in symbols:
        return "dkim=pass"
    return "dkim=fail" if {"DKIM_INVALID", "DKIM_SIGNED"} & symbols else "dkim=none"


def _spf(symbols: set[str], sender: str, helo: str) -> str:
    """SPF of the envelope sender; of the greeting if that is empty (RFC 7208 section 2.4)."""
    kind, address = ("", sender) if sender else ("HELO_", helo)
    named = {f"{prefix}SPF_{kind}{word}": word.lower() for word in _SPF for prefix in ("", "T_")}
    result = next((word for name, word in named.items() if name in symbols), "")
    if not result:
        # SpamAssassin makes no lookup for literals and names without a dot; otherwise the lookup got no answer
        result = "temperror" if _DOMAIN.match(address.rpartition("@")[2]) and "." in address else "none"
    return f"spf={result} {'smtp.mailfrom' if sender else 'smtp.helo'}={_identity(address)}"


def _dmarc(symbols: set[str], authors: tuple[str, ...]) -> str:
    rule = next((name for name in _DMARC if name in symbols), "")
    author = next((address for _, address in getaddresses(list(authors)) if "@" in address), "")
    domain = author.rpartition("@")[2].lower()
    text = f"dmarc={_DMARC.get(rule, 'none')}"
    if _DOMAIN.match(domain):
        text += f" header.from={domain}"
    return f"{text} policy.dmarc={_POLICY[rule]}" if rule in _POLICY else text


def _identity(address: str) -> str:
    """An address or a name in the field's syntax: by its domain, or quoted, if it is not a plain address."""
    if _ADDRESS.match(address) or _DOMAIN.match(address):
        return address
    domain = address.rpartition("@")[2]
    if _DOMAIN.match(domain):
        return domain
    plain = "".join(char for char in domain if " " <= char <= "~" and char not in '"\\')
    return f'"{plain}"'
