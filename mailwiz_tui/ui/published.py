"""What the DNS really holds of the plan's records, asked for when the operator wants to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mailwiz_tui.dns.record import Record
from mailwiz_tui.ui.symbols import Mark, Tone

if TYPE_CHECKING:
    from mailwiz_tui.dns.live import RecordState


class Comparer(Protocol):
    """How the screens ask the DNS about records; the states come in the records' order."""

    async def __call__(self, records: Sequence[Record], resolver: str | None) -> Sequence[RecordState]: ...


async def real_compare(records: Sequence[Record], resolver: str | None) -> Sequence[RecordState]:
    """Ask the zones' own servers, or the resolver (None: the system's) where they cannot be reached."""
    from mailwiz_tui.dns.live import compare

    return await compare(records, resolver)


@dataclass(frozen=True, slots=True)
class Published:
    """How a record stands in the DNS: a key of ``RECORD_MARKS``, and what is wrong or to be known."""

    state: str = "planned"
    detail: str = ""


RECORD_MARKS: dict[str, Mark] = {
    "planned": Mark("○", "o", "planned", Tone.IDLE),
    "published": Mark("✓", "*", "published", Tone.GOOD),
    "wrong": Mark("✗", "x", "wrong", Tone.BAD),
    "missing": Mark("!", "!", "missing", Tone.WARN),
    "unknown": Mark("?", "?", "unknown", Tone.WARN),
}
PLANNED = Published()


def as_published(state: RecordState) -> Published:
    """A comparison's outcome as it is shown."""
    known = str(state.state)
    detail = f"{state.detail}; publish {state.instead}" if state.instead else state.detail
    return Published(known if known in RECORD_MARKS else "unknown", detail)
