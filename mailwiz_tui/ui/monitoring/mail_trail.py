"""Which lines of a mail log belong to one message: Postfix logs its queue id, other programs its message-id.

A queue id is what ``postfix_logger`` puts before the first colon (short: hexadecimal; long: base 52 with digits);
a message-id is that of RFC 5322 section 3.6.4.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

MOST_KEYS = 40_000
LEAST_TEXT = 4
_QUEUE_ID = re.compile(r"^postfix\S*: (?=[A-Za-z]*\d)([0-9A-Za-z]{6,20}): ")
_NAMED = re.compile(
    r"\b(?:message-id=|msgid=|id: |qid: )<([^<>\s]{1,250})>|(?:queued as |notification: )([0-9A-Za-z]{6,20})\b"
)


def keys_of(line: str) -> Iterator[str]:
    """The queue ids and message-ids in a line."""
    if own := _QUEUE_ID.match(line):
        yield own[1]
    for found in _NAMED.finditer(line):
        yield found[1] or found[2]


@dataclass
class MailTrail:
    """Learns from each line which ids belong to the same message; ``version`` grows with each such relation."""

    version: int = 0
    _groups: dict[str, set[str]] = field(default_factory=dict)

    def learn(self, line: str) -> None:
        """Learn from a line."""
        keys = list(dict.fromkeys(keys_of(line)))
        if not keys:
            return
        group = next((self._groups[k] for k in keys if k in self._groups), set())
        for key in keys:
            other = self._groups.get(key)
            if other is group:
                continue
            joined = other or {key}
            if group and other is not group:
                self.version += 1
            group |= joined
            for member in joined:
                self._groups[member] = group
        if len(self._groups) > MOST_KEYS:
            for key in list(self._groups)[: MOST_KEYS // 2]:
                del self._groups[key]

    def related(self, text: str) -> set[str]:
        """All ids of the messages that have an id containing the text."""
        wanted = text.strip("<> ").casefold()
        if len(wanted) < LEAST_TEXT:
            return set()
        found: set[str] = set()
        for key, group in self._groups.items():
            if wanted in key.casefold():
                found |= group
        return found


class MailFilter:
    """Lines that contain a text, and all other lines of the messages with an id that contains it."""

    def __init__(self, text: str, trail: MailTrail) -> None:
        self.text = text
        self._trail = trail
        self._at = -1
        self._related: set[str] = set()

    @property
    def version(self) -> int:
        """Grows when all lines must be matched again."""
        return self._trail.version

    def matches(self, line: str) -> bool:
        """Whether a line is shown."""
        wanted = self.text.strip("<>").casefold()
        if wanted.startswith("!") and len(wanted) > 1:
            return wanted[1:] not in line.casefold()
        if wanted in line.casefold():
            return True
        if self._at != self._trail.version:
            self._at = self._trail.version
            self._related = self._trail.related(self.text)
        return bool(self._related) and any(key in self._related for key in keys_of(line))
