"""DNS records grouped by domain, each with its reason; long values wrap, and one can be copied."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailwiz_tui.dns.record import Record
from mailwiz_tui.ui.text import safe_line


class RecordList(OptionList):
    """The records of a plan; Up and Down choose one."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(markup=False, compact=True, id=id)
        self.records: list[Record] = []
        self._rows: list[Record | None] = []

    @property
    def chosen(self) -> Record | None:
        """The record under the cursor."""
        index = self.highlighted
        return self._rows[index] if index is not None and index < len(self._rows) else None

    def show(self, records: Sequence[Record]) -> None:
        """Show records; the cursor stays where it was as far as it can."""
        if list(records) == self.records and self._rows:
            return
        at = self.highlighted
        self.records = list(records)
        self._rows = []
        options: list[Option] = []
        domain = None
        for record in self.records:
            if record.domain != domain:
                domain = record.domain
                options.append(Option(Text(safe_line(domain), style="bold underline"), disabled=True))
                self._rows.append(None)
            options.append(Option(record_text(record)))
            self._rows.append(record)
        self.clear_options()
        self.add_options(options)
        if at is not None and at < len(options):
            self.highlighted = at
        elif len(options) > 1:
            self.highlighted = 1


def record_text(record: Record) -> Text:
    """One record for reading: need and name, value, reason."""
    need = "required" if record.required else "recommended"
    text = Text(overflow="fold")
    text.append(f"{safe_line(record.name)}  {record.type}", style="bold")
    text.append(f"  ({need})\n")
    text.append(f"  {safe_line(record.shown)}\n")
    text.append(f"  {safe_line(record.reason)}", style="italic")
    if record.note:
        text.append(f"\n  ! {safe_line(record.note)}")
    return text
