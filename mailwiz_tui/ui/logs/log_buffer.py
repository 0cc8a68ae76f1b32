"""The lines of a log as they are kept: bounded, with their times, and what it takes to find lines again."""

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
    """Whether a line of a log tells of something that went wrong."""
    lowered = line.lower()
    if not any(map(lowered.__contains__, _HINTS)):
        return False
    return bool(_LOUD.search(line)) and not _QUIET.search(line)


@dataclass(slots=True)
class LogBuffer:
    """The last lines a server printed; ``dropped`` counts those that fell off the front.

    ``times`` are seconds since the epoch by the server's clock, 0 where none is known.
    """

    lines: list[str] = field(default_factory=list)
    times: array[float] = field(default_factory=lambda: array("d"))
    dropped: int = 0
    limit: int = MAX_LINES

    def append(self, text: str, at: float = 0.0) -> None:
        """Add a line; the oldest tenth falls off in one go when the buffer is full."""
        self.lines.append(safe_line(text))
        self.times.append(at)
        if len(self.lines) > self.limit:
            surplus = max(1, self.limit // 10)
            del self.lines[:surplus]
            del self.times[:surplus]
            self.dropped += surplus

    @property
    def total(self) -> int:
        """How many lines were ever added."""
        return self.dropped + len(self.lines)

    def stamp(self, index: int) -> str:
        """The time of a line by the operator's clock, as ``23:04:59``; blanks where none is known."""
        at = self.times[index]
        return time.strftime("%H:%M:%S", time.localtime(at)) if at else " " * 8

    def text(self) -> str:
        """All lines with their times, as they are written to a file."""
        return "".join(f"{self.stamp(i)} {line}\n" for i, line in enumerate(self.lines))


class LineFilter(Protocol):
    """Which lines are shown; ``version`` changes when an earlier answer may have changed."""

    @property
    def text(self) -> str:
        """What the operator typed."""

    @property
    def version(self) -> int:
        """Grows when lines judged before have to be judged again."""

    def matches(self, line: str) -> bool:
        """Whether a line is shown."""


@dataclass(frozen=True, slots=True)
class TextFilter:
    """Lines that contain a text, in capitals or not; a text that begins with ``!`` hides them instead."""

    text: str
    version: int = 0

    def matches(self, line: str) -> bool:
        wanted = self.text.casefold()
        if wanted.startswith("!") and len(wanted) > 1:
            return wanted[1:] not in line.casefold()
        return wanted in line.casefold()
