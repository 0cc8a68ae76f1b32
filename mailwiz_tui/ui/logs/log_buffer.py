"""The stored lines of a log, limited in number, with their times; and filters that choose lines."""

from __future__ import annotations

import re
import time
from array import array
from dataclasses import dataclass, field
from typing import Protocol

from mailwiz_tui.ui.terminal.text import safe_line

MAX_LINES = 20_000
_LOUD = re.compile(
    r"(?<!no )(?<!\s0 )(?<!\.)\b(?:error|fatal|panic|fail(?:ed|ure|s)?|cannot|can't|denied|refused|rejected|"
    r"unable to|invalid|status=(?:bounced|deferred))\b|^E: |^err\b",
    re.IGNORECASE,
)
_QUIET = re.compile(
    r"\b(?:errors?|failed|failures?)\s*[:=]\s*0\b|lib\w*error|policy-rc\.d|fail2ban(?!.*error)", re.IGNORECASE
)


_HINTS = (
    "err", "fail", "fatal", "panic", "can", "denied", "refused", "rejected", "unable", "invalid", "status=", "e: ",
)  # fmt: skip


def is_error(line: str) -> bool:
    """Whether a line of a log reports an error."""
    lowered = line.lower()
    if not any(map(lowered.__contains__, _HINTS)):
        return False
    return bool(_LOUD.search(line)) and not _QUIET.search(line)


@dataclass(slots=True)
class LogBuffer:
    """The last lines of a server's output; ``dropped`` counts the removed older lines.

    ``times`` are seconds since the epoch by the server's clock, 0 if unknown.
    """

    lines: list[str] = field(default_factory=list)
    times: array[float] = field(default_factory=lambda: array("d"))
    dropped: int = 0
    limit: int = MAX_LINES

    def append(self, text: str, at: float = 0.0) -> None:
        """Add a line; the oldest tenth is removed at once when the buffer is full."""
        self.lines.append(safe_line(text))
        self.times.append(at)
        if len(self.lines) > self.limit:
            surplus = max(1, self.limit // 10)
            del self.lines[:surplus]
            del self.times[:surplus]
            self.dropped += surplus

    @property
    def total(self) -> int:
        """The number of lines ever added."""
        return self.dropped + len(self.lines)

    def stamp(self, index: int) -> str:
        """The time of a line in the operator's time zone, as ``23:04:59``; blanks if unknown."""
        at = self.times[index]
        return time.strftime("%H:%M:%S", time.localtime(at)) if at else " " * 8

    def text(self) -> str:
        """All lines with their times, for a file."""
        return "".join(f"{self.stamp(i)} {line}\n" for i, line in enumerate(self.lines))


class LineFilter(Protocol):
    """Chooses the lines to show; ``version`` changes when an earlier answer of ``matches`` may have changed."""

    @property
    def text(self) -> str:
        """What the operator typed."""

    @property
    def version(self) -> int:
        """Grows when all lines must be matched again."""

    def matches(self, line: str) -> bool:
        """Whether a line is shown."""


@dataclass(frozen=True, slots=True)
class TextFilter:
    """Lines that contain a text, case ignored; a text that begins with ``!`` hides those lines instead."""

    text: str
    version: int = 0

    def matches(self, line: str) -> bool:
        wanted = self.text.casefold()
        if wanted.startswith("!") and len(wanted) > 1:
            return wanted[1:] not in line.casefold()
        return wanted in line.casefold()
