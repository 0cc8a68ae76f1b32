"""A DNS record of the plan, with its reason for the operator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailwiz_tui.dns.standard import Standard

CHUNK = 255
"""The most bytes of one character-string of a TXT record (RFC 1035 section 3.3)."""

HOUR = 3600


class Section(StrEnum):
    """The purpose of a record; records are grouped by these, in this order."""

    ADDRESSES = "Addresses of the mail server"
    DELIVERY = "Where mail for the domain goes"
    SENDING = "Who may send as the domain"
    TRANSPORT = "Encryption between mail servers"
    CLIENTS = "How mail programs find the server"
    REVERSE = "Reverse DNS, set where the address comes from"


@dataclass(frozen=True, slots=True)
class Record:
    """One record: its zone, its value, and its reason.

    ``domain`` is the zone it goes into (for PTR: the mail host's domain), ``name`` the full name without a final
    dot. ``value`` is the text after the type in a zone file, host names with their final dot; for TXT it is the
    plain text, unquoted and in one piece. ``ttl`` is in seconds. A record with an unknown value has an empty
    ``value`` and the reason in ``pending``. ``note`` is a remark. ``required`` records are needed for mail to work
    and be accepted; the others are recommended.
    """

    domain: str
    name: str
    type: str
    value: str
    ttl: int
    reason: str
    required: bool
    section: Section
    standard: Standard
    pending: str = ""
    note: str = ""

    @property
    def rdata(self) -> str:
        """The value in zone-file form: TXT quoted, in character-strings of at most 255 bytes."""
        return quote_txt(self.value) if self.type == "TXT" else self.value

    @property
    def shown(self) -> str:
        """The value, or in angle brackets the reason why there is none yet."""
        return f"<{self.pending}>" if self.pending else self.value

    @property
    def host(self) -> str:
        """The name relative to the domain, for web forms; ``@`` is the domain itself."""
        if self.name == self.domain:
            return "@"
        return self.name.removesuffix(f".{self.domain}")


@dataclass(frozen=True, slots=True)
class Note:
    """A remark about a domain's DNS: a record that is not listed with the reason, or a warning."""

    domain: str
    subject: str
    text: str


def chunks(text: str) -> list[str]:
    """Split the text of a TXT record into character-strings of at most 255 bytes; never inside a character."""
    parts: list[str] = []
    current, size = "", 0
    for character in text:
        width = len(character.encode())
        if size + width > CHUNK:
            parts.append(current)
            current, size = "", 0
        current += character
        size += width
    return [*parts, current]


def quote_txt(text: str) -> str:
    """The text as quoted character-strings, ``"`` and ``\\`` escaped, other bytes as ``\\DDD`` (RFC 1035 5.1)."""
    return " ".join(f'"{_escape(part)}"' for part in chunks(text))


def _escape(text: str) -> str:
    return "".join(
        f"\\{chr(byte)}" if byte in b'"\\' else chr(byte) if 32 <= byte < 127 else f"\\{byte:03d}"
        for byte in text.encode()
    )
