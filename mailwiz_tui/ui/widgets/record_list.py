"""DNS records grouped by domain, each with its reason; long values wrap, and one can be copied."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailwiz_tui.dns.record import Record
from mailwiz_tui.ui.published import PLANNED, RECORD_MARKS, Published
from mailwiz_tui.ui.text import safe_line

PublishedOf = Callable[[Record], Published]


class RecordList(OptionList):
    """The records of a plan; Up and Down choose one."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(markup=False, compact=True, id=id)
        self.records: list[Record] = []
        self._rows: list[Record | None] = []
        self._shown: list[tuple[Record, Published]] = []

    @property
    def chosen(self) -> Record | None:
        """The record under the cursor."""
        index = self.highlighted
        return self._rows[index] if index is not None and index < len(self._rows) else None

    def show(
        self, records: Sequence[Record], published: PublishedOf = lambda record: PLANNED, *, plain: bool = False
    ) -> None:
        """Show records; the cursor stays where it was as far as it can."""
        rows = [(record, published(record)) for record in records]
        if rows == self._shown and self._rows:
            return
        at = self.highlighted
        self.records, self._shown, self._rows = list(records), rows, []
        options: list[Option] = []
        domain = None
        for record, state in rows:
            if record.domain != domain:
                domain = record.domain
                options.append(Option(Text(safe_line(domain), style="bold underline"), disabled=True))
                self._rows.append(None)
            options.append(Option(record_text(record, state, plain=plain)))
            self._rows.append(record)
        self.clear_options()
        self.add_options(options)
        if at is not None and at < len(options):
            self.highlighted = at
        elif len(options) > 1:
            self.highlighted = 1


def record_text(record: Record, published: Published = PLANNED, *, plain: bool = False) -> Text:
    """One record for reading: name, need and state; value; reason; what to look out for.

    A long key is folded at the width there is; copying it gives it in one piece.
    """
    need = "required" if record.required else "recommended"
    mark = RECORD_MARKS[published.state].text(plain=plain)
    text = Text(overflow="fold")
    text.append(f"{safe_line(record.name)}  {record.type}", style="bold")
    text.append(f"  ({need}, {mark})\n")
    text.append(f"  {safe_line(record.shown)}\n")
    text.append(f"  {safe_line(record.reason)}", style="italic")
    if published.detail:
        text.append(f"\n  {RECORD_MARKS[published.state].sign(plain=plain)} {safe_line(published.detail)}")
    if record.note:
        text.append(f"\n  ! {safe_line(record.note)}")
    return text
