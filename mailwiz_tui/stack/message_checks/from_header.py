"""The one parser of From, for every filter and both directions: what it cannot parse is rejected.

Reads the mailbox-list of RFC 5322 section 3.6.2 (section 3.4 for the grammar): display names, quoted strings,
comments, encoded words and 8-bit text in them. An address must be written so that every reader finds the same
one: programs differ on white space, comments and routes inside of it (the obsolete syntax of section 4.4), on
groups (RFC 6854), and on comments that hold an address, so those raise ``FromSyntaxError`` too. Runs on servers.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MOST_ADDRESSES = 50
LONGEST = 16384
"""The most characters of the field's body; no program writes more."""

_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\-\u0080-\U0010ffff]+")
"""Atoms, with the dots that display names have (obs-phrase) and 8-bit text (RFC 6532)."""
_DOT_ATOM = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-]+)*\Z")
_DOMAIN = re.compile(r"(?=.{1,255}\Z)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
                     r"(?:\.[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\Z")  # fmt: skip
_LITERAL = re.compile(r"\[[!-Z^-~]*\]\Z")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_FOLD = re.compile(r"\r?\n(?=[ \t])")
_CONFUSING = re.compile(r"[<>@\s\"\\,:;()\[\]]")


class FromSyntaxError(ValueError):
    """The field is not a list of mailboxes; the text tells the sender why."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address of a From: ``local`` without needless quotes, ``domain`` in lower case or ``[literal]``."""

    local: str
    domain: str

    @property
    def address(self) -> str:
        """The address as other programs write it."""
        return f"{self.local}@{self.domain}"

    @property
    def literal(self) -> bool:
        """Whether the domain is the address of a host (RFC 5321 section 4.1.3)."""
        return self.domain.startswith("[")


def parse_from(body: str) -> tuple[Mailbox, ...]:
    """The mailboxes of a From field, at least one. ``body`` is the text after the colon, folded or not.

    Bytes that are not ASCII may be any characters above U+007F. Raises ``FromSyntaxError``.
    """
    text = _FOLD.sub("", body).strip(" \t\r\n")
    if len(text) > LONGEST:
        raise FromSyntaxError(f"it is longer than {LONGEST} characters")
    if _CONTROL.search(text):
        raise FromSyntaxError("it holds control characters")
    return _Reader(text).mailboxes()


class _Reader:
    """Reads from the left to the right, one character ahead."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0

    def mailboxes(self) -> tuple[Mailbox, ...]:
        found: list[Mailbox] = []
        while True:
            found.append(self._mailbox())
            if len(found) > MOST_ADDRESSES:
                raise FromSyntaxError(f"it holds more than {MOST_ADDRESSES} addresses")
            self._comments()
            if self._ended():
                return tuple(found)
            if not self._take(","):
                raise FromSyntaxError(f"{self._here()} follows an address")

    def _mailbox(self) -> Mailbox:
        """A name-addr or an addr-spec; the first words decide."""
        self._comments()
        if self._ended():
            raise FromSyntaxError("an address is missing")
        start = self.at
        words = self._phrase()
        if self._take("<"):
            return self._in_angles()
        if self._peek() == ":":
            raise FromSyntaxError("it is a group (RFC 6854), not an address")
        if self._peek() == "@" and words == 1 and self.text[self.at - 1] not in " \t)":
            return self._named_by_itself(self._addr_spec(start))
        if self._peek() == "@" and words:
            raise FromSyntaxError("white space or a comment stands inside an address")
        if self._ended() or self._peek() in ",;":
            raise FromSyntaxError("a name stands without an address" if words else "an address is missing")
        raise FromSyntaxError(f"{self._here()} stands where an address should")

    def _named_by_itself(self, name: Mailbox) -> Mailbox:
        """An address, or one that some programs write before itself in angle brackets: both must be the same."""
        before = self.at
        self._comments()
        if not self._take("<"):
            self.at = before
            return name
        if self._in_angles() != name:
            raise FromSyntaxError("another address stands where the name should")
        return name

    def _phrase(self) -> int:
        """Words of a display name, or the local part of an address; returns their number."""
        words = 0
        while not self._ended():
            if self._peek() == '"':
                self._quoted()
            elif match := _ATOM.match(self.text, self.at):
                self.at = match.end()
            elif words and self._peek() in " \t(":
                before = self.at
                self._comments()
                if self._peek() == "@":
                    self.at = before
                    raise FromSyntaxError("white space or a comment stands inside an address")
                continue
            elif self._peek() in "[]" and not self.text.startswith("]@", self.at):
                # not in the grammar, but many programs write names such as [list], and they are unambiguous
                self.at += 1
            else:
                break
            words += 1
        return words

    def _in_angles(self) -> Mailbox:
        start = self.at
        if self._peek() == ">":
            raise FromSyntaxError("the address is empty")
        if self._peek() == "@":
            raise FromSyntaxError("the address has a route before it (obsolete, RFC 5322 section 4.4)")
        if self._peek() == '"':
            self._quoted()
        elif match := _ATOM.match(self.text, self.at):
            self.at = match.end()
        if self._peek() != "@":
            raise FromSyntaxError("what stands in angle brackets is not an address")
        found = self._addr_spec(start)
        if not self._take(">"):
            raise FromSyntaxError("what stands in angle brackets is not an address")
        return found

    def _addr_spec(self, start: int) -> Mailbox:
        """From ``start`` to the end of the domain; the reader stands at ``@``."""
        local = _plain_local(self.text[start : self.at])
        self.at += 1
        end = self.at
        if self.text.startswith("[", end):
            close = self.text.find("]", end)
            end = close + 1 if close > 0 else len(self.text)
        else:
            while end < len(self.text) and self.text[end] not in ' \t(),<>:;@"[]\\':
                end += 1
        domain = self.text[self.at : end]
        if not domain:
            raise FromSyntaxError("white space, a comment or nothing follows the @ of an address")
        self.at = end
        if _LITERAL.match(domain):
            return Mailbox(local, domain.lower())
        if not _DOMAIN.match(domain):
            raise FromSyntaxError("the domain of an address is not a domain name in ASCII")
        return Mailbox(local, domain.lower())

    def _quoted(self) -> None:
        self.at += 1
        while not self._ended():
            char = self.text[self.at]
            self.at += 2 if char == "\\" else 1
            if char == '"':
                return
        raise FromSyntaxError("a quotation mark is not closed")

    def _comments(self) -> None:
        """White space and comments (CFWS), nested ones too."""
        while not self._ended() and self._peek() in " \t(":
            if self._peek() == "(":
                self._comment()
            else:
                self.at += 1

    def _comment(self) -> None:
        depth, start = 0, self.at
        while not self._ended():
            char = self.text[self.at]
            self.at += 2 if char == "\\" else 1
            depth += {"(": 1, ")": -1}.get(char, 0)
            if not depth:
                if re.search(r"[<>@]", self.text[start : self.at]):
                    raise FromSyntaxError("a comment holds an address")
                return
        raise FromSyntaxError("a comment is not closed")

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def _take(self, char: str) -> bool:
        if self._peek() != char:
            return False
        self.at += 1
        return True

    def _ended(self) -> bool:
        return self.at >= len(self.text)

    def _here(self) -> str:
        char = self._peek()
        return f"the character {char}" if char.isascii() and char.isprintable() else "a special character"


def _plain_local(text: str) -> str:
    """A local part without needless quotes; raises if another program may read it differently."""
    if text.startswith('"'):
        inner = re.sub(r"\\(.)", r"\1", text[1:-1])
        if text.count('"') != 2 or not inner or not inner.isascii() or _CONFUSING.search(inner):
            raise FromSyntaxError("the local part of an address is quoted in a way that programs read differently")
        return inner if _DOT_ATOM.match(inner) else f'"{inner}"'
    if not _DOT_ATOM.match(text):
        raise FromSyntaxError("the local part of an address is not one in ASCII (RFC 5322 section 3.4.1)")
    if "=?" in text:
        raise FromSyntaxError("an encoded word stands inside an address (RFC 2047 section 5)")
    return text
