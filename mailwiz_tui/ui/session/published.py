"""The DNS records of the present answers, and their state in the live DNS when the operator looks them up."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from mailwiz_tui.dns.record import Record
from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.fleet.server import Inventory
from mailwiz_tui.plan.draft import Draft
from mailwiz_tui.plan.findings import PlanError
from mailwiz_tui.plan.steps import field_at, step_of
from mailwiz_tui.ui.terminal.symbols import Mark, Tone

if TYPE_CHECKING:
    from mailwiz_tui.dns.live import RecordState


class Comparer(Protocol):
    """Looks records up in the DNS; the states are in the records' order."""

    async def __call__(self, records: Sequence[Record], resolver: str | None) -> Sequence[RecordState]: ...


async def real_compare(records: Sequence[Record], resolver: str | None) -> Sequence[RecordState]:
    """Ask the authoritative servers, or the resolver (None: the system's) if they cannot be reached."""
    from mailwiz_tui.dns.live import compare

    return await compare(records, resolver)


@dataclass(frozen=True, slots=True)
class Published:
    """A record's state in the DNS: a key of ``RECORD_MARKS``, and the difference or a remark."""

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


def planned_records(draft: Draft, known: FactsFile, inventory: Inventory) -> tuple[list[Record], str]:
    """The DNS records for a draft's answers so far, and a note about missing answers."""
    try:
        plan = draft.preview()
    except PlanError as error:
        wrong = ", ".join(dict.fromkeys(_label(f.path) for f in error.findings))
        return [], f"The records appear when these are answered: {wrong}."
    return plan_records(plan, known, inventory), ""


def _label(path: str) -> str:
    field, owner = field_at(path), step_of(path)
    return field.label if field is not None else f"step {owner.number}, {owner.title}" if owner else path


class PublishedRecords:
    """The records' states at the last lookup; ``compare`` looks them up."""

    def __init__(self, compare: Comparer) -> None:
        self.compare = compare
        self._found: dict[Record, Published] = {}

    async def look_up(self, records: Sequence[Record], resolver: str | None) -> str:
        """Look up every record; returns the number of records in each state as a sentence."""
        states = [as_published(state) for state in await self.compare(records, resolver)]
        self._found = dict(zip(records, states, strict=True))
        counts = {word: sum(1 for s in states if s.state == word) for word in RECORD_MARKS}
        return ", ".join(f"{count} {word}" for word, count in counts.items() if count)

    def of(self, record: Record) -> Published:
        """A record's state at the last lookup; planned if it was not looked up or has changed since."""
        return self._found.get(record, PLANNED)


def as_published(state: RecordState) -> Published:
    """The result of a comparison for the screens."""
    known = str(state.state)
    detail = f"{state.detail}; publish {state.instead}" if state.instead else state.detail
    return Published(known if known in RECORD_MARKS else "unknown", detail)
