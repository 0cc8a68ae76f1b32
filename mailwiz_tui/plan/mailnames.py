"""Mail addresses, and addresses for DMARC reports.

Every function returns the normalised value or raises ``ValueError`` with a sentence for the operator.
RFC 5321 section 4.1.2 (dot-string local parts, at most 64 octets), RFC 9989 and RFC 6068
(report addresses are ``mailto:`` URI in a comma-separated list).
"""

from __future__ import annotations

import re

from mailwiz_tui.plan.dnsnames import domain_name, refuse_invisible, shortened
from mailwiz_tui.plan.localparts import is_local_part, strange

_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_URI_SAFE = re.compile(r"[A-Za-z0-9._+~*'$-]+")


def mail_address(text: str) -> str:
    """A mail address with an ASCII local part; the domain is normalised, the local part kept as it is."""
    refuse_invisible(text, "mail address")
    local, at, domain = text.rpartition("@")
    shown = shortened(text)
    if not at:
        raise ValueError(f"“{shown}” is not a mail address; it has no @")
    if not local:
        raise ValueError(f"“{shown}” has nothing before the @")
    if not domain:
        raise ValueError(f"“{shown}” has no domain after the @")
    if text.lower().startswith("mailto:"):
        raise ValueError(f"“{shown}” must be the address alone, without mailto:")
    if len(local) > 64:
        raise ValueError(f"“{shown}” has {len(local)} characters before the @; at most 64 are possible")
    if not _LOCAL.fullmatch(local):
        raise ValueError(f"“{shown}” has characters before the @ that a mail address cannot have there")
    return f"{local}@{domain_name(domain)}"


def account_address(text: str) -> str:
    """An address for a mailbox or alias here: its local part follows ``localparts``."""
    address = mail_address(text)
    local = address.rpartition("@")[0]
    if "+" in local:
        raise ValueError(
            f"“{shortened(text)}”: what follows a + is the user's own choice, so no mailbox or alias can have one"
        )
    if not is_local_part(local):
        found = strange(local)
        reason = f"“{found}”, which mailboxes here cannot have" if found else "no name that mailboxes here can have"
        raise ValueError(f"“{shortened(text)}” has before the @ {reason}")
    return address


def target_address(text: str) -> str:
    """A target of an alias, here or on another server: any of RFC 5321, also with a quoted local part.

    Spaces, commas and backslashes in quotes are refused: targets are stored as a list in one column.
    """
    local, at, domain = text.rpartition("@")
    if at and re.fullmatch(r'"[!#-+\--\[\]-~]{1,62}"', local):
        return f"{local}@{domain_name(domain)}"
    return mail_address(text)


def login_name(text: str) -> str:
    """A user name for SMTP authentication (RFC 4954) that Postfix can store: no spaces and no colon."""
    refuse_invisible(text, "user name")
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(f"“{shortened(text)}” has characters that a user name for a smart host cannot have")
    if ":" in text:
        name = shortened(text.partition(":")[0])
        raise ValueError(f"“{name}:…” has a colon; write the user name alone, the password is asked for")
    if len(text) > 255:
        raise ValueError(f"“{shortened(text)}” is longer than 255 characters")
    return text


def report_addresses(text: str) -> str:
    """Report addresses in the form of DMARC records: ``mailto:a@example.com,mailto:b@example.net``.

    Accepts bare addresses, with or without ``mailto:``, separated by commas; spaces around commas are dropped.
    """
    refuse_invisible(re.sub(r" *, *", ",", text), "report address")
    found: list[str] = []
    for part in (p.strip(" ") for p in text.split(",")):
        if not part:
            raise ValueError("there is a comma too many in the list of report addresses")
        scheme, colon, rest = part.partition(":")
        if colon and scheme.lower() in ("http", "https"):
            raise ValueError(f"“{shortened(part)}”: reports are sent by mail only; write a mail address")
        bare = rest if colon and scheme.lower() == "mailto" else part
        if "!" in bare:
            raise ValueError(
                f"“{shortened(part)}” has a size limit (!…), which RFC 9989 no longer knows; leave it out"
            )
        if "?" in bare:
            raise ValueError(f"“{shortened(part)}” has mail headers (?…), which report addresses cannot")
        address = mail_address(bare)
        if not _URI_SAFE.fullmatch(address.rpartition("@")[0]):
            raise ValueError(f"“{shortened(part)}” has characters before the @ that would break a DMARC record")
        if f"mailto:{address}" not in found:
            found.append(f"mailto:{address}")
    return ",".join(found)


def report_domains(value: str) -> list[str]:
    """The domains in a normalised list of report addresses, in order, each once."""
    return list(dict.fromkeys(part.rpartition("@")[2] for part in value.split(",") if "@" in part))
