"""Lines of submitted messages above the limit of SMTP: folded where that changes nothing.

RFC 5322 section 2.1.1 allows 998 octets in a line. Some servers break longer lines, which breaks the signature,
and others reject them. So a field is folded before it is signed: at white space, which changes no field (section
2.2.3), between message identifiers and after commas. A field that cannot be folded, or a longer line of the body,
is rejected: only the program that wrote it knows how to wrap or encode its text. Pure; runs on servers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

LIMIT = 998
"""Octets of a line without its end."""
PREFERRED = 78
_AT_COMMAS = frozenset(("to", "cc", "bcc", "reply-to", "resent-to", "resent-cc", "resent-bcc", "keywords"))
_IDENTIFIERS = frozenset(("references", "in-reply-to"))
_WORDS = re.compile(r"[ \t]*[^ \t]+|[ \t]+\Z")
_LIST_ITEM = re.compile(r"(?:\"(?:\\.|[^\"\\])*\"|\((?:\\.|[^()\\])*\)|[^\",(])+,?|[\",(]", re.DOTALL)
"""An item of a list with the comma after it; quoted strings and comments may hold commas."""


def octets(text: str) -> int:
    """The octets of a text in SMTP; bytes that were not UTF-8 are surrogates."""
    return len(text.encode("utf-8", "surrogateescape"))


def longest_line(name: str, value: str) -> int:
    """Octets of the longest line of a field; ``value`` is the text after the colon, folded or not."""
    return max(octets(line) for line in f"{name}: {value}".replace("\r\n", "\n").split("\n"))


def fold(name: str, value: str) -> str | None:
    """The value with lines of at most ``LIMIT`` octets; None if it cannot be folded."""
    lines = value.replace("\r\n", "\n").split("\n")
    folded = [new for at, line in enumerate(lines) for new in _fold_line(name, line, first=at == 0)]
    new = "\n".join(folded)
    return new if longest_line(name, new) <= LIMIT else None


def _fold_line(name: str, line: str, *, first: bool) -> Iterator[str]:
    """A short line unchanged, a long one in lines as short as its words allow."""
    room = len(name) + 2 if first else 0
    if room + octets(line) <= LIMIT:
        yield line
        return
    current = ""
    for word in _words(name, line):
        if current.strip(" \t") and room + octets(current + word) > PREFERRED:
            yield current
            # a fold comes before white space (RFC 5322 section 2.2.3), which may have to be added
            current, room = word if word[0] in " \t" else f" {word}", 0
        else:
            current += word
    if current:
        yield current


def _words(name: str, line: str) -> Iterator[str]:
    """Pieces of a line between which it may be folded; each but the first begins with white space or may."""
    known = name.strip().lower()
    if known in _IDENTIFIERS:
        parts = re.split(r"(?<=>)(?=<)", line)
    elif known in _AT_COMMAS:
        parts = _LIST_ITEM.findall(line)
    else:
        parts = [line]
    for part in parts:
        yield from _WORDS.findall(part)


@dataclass(slots=True)
class LineCounter:
    """Measures lines of a body in chunks; a line ends with LF, and CR before it does not count."""

    longest: int = 0
    _open: int = 0
    _ends_with_cr: bool = False

    def feed(self, chunk: bytes) -> None:
        """Count the next chunk."""
        pieces = chunk.split(b"\n")
        for at, piece in enumerate(pieces):
            ended = at < len(pieces) - 1
            if piece:
                self._ends_with_cr = piece.endswith(b"\r")
            self._open += len(piece)
            self.longest = max(self.longest, self._open - (1 if self._ends_with_cr else 0))
            if ended:
                self._open, self._ends_with_cr = 0, False
