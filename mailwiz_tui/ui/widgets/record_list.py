"""The list of DNS records, grouped by domain, each with its reason."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.text import Text
from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailwiz_tui.dns.record import Record
from mailwiz_tui.ui.session.published import PLANNED, RECORD_MARKS, Published
from mailwiz_tui.ui.terminal.text import safe_line, wrap

PublishedOf = Callable[[Record], Published]


class RecordList(OptionList):
    """The records of a plan; Up and Down choose one."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(markup=False, compact=True, id=id)
        self.records: list[Record] = []
        self._rows: list[Record | None] = []
        self._shown: list[tuple[Record, Published]] = []
        self._plain = False
        self._width = 0

    @property
    def chosen(self) -> Record | None:
        """The record under the cursor."""
        index = self.highlighted
        return self._rows[index] if index is not None and index < len(self._rows) else None

    def show(
        self, records: Sequence[Record], published: PublishedOf = lambda record: PLANNED, *, plain: bool = False
    ) -> None:
        """Show records; the cursor keeps its position if possible."""
        rows = [(record, published(record)) for record in records]
        width = reading_width(self)
        if rows == self._shown and self._rows and width == self._width:
            return
        self.records, self._shown, self._plain, self._width = list(records), rows, plain, width
        self._draw()

    def on_resize(self) -> None:
        """Sentences are wrapped to the width."""
        width = reading_width(self)
        if self._shown and width != self._width:
            self._width = width
            self._draw()

    def _draw(self) -> None:
        at = self.highlighted
        self._rows = []
        options: list[Option] = []
        domain = None
        for record, state in self._shown:
            if record.domain != domain:
                domain = record.domain
                options.append(Option(Text(safe_line(domain), style="bold underline"), disabled=True))
                self._rows.append(None)
            options.append(Option(record_text(record, state, plain=self._plain, width=self._width)))
            self._rows.append(record)
        self.clear_options()
        self.add_options(options)
        if at is not None and at < len(options):
            self.highlighted = at
        elif len(options) > 1:
            self.highlighted = 1


def reading_width(area: Widget) -> int:
    """Columns for text in a scrolling widget; room for the scroll bar is kept free before it is shown."""
    width = area.scrollable_content_region.width
    return width if area.show_vertical_scrollbar else max(0, width - area.scrollbar_size_vertical)


def record_text(record: Record, published: Published = PLANNED, *, plain: bool = False, width: int = 0) -> Text:
    """One record as text: name, necessity and state; value; reason; notes.

    Long keys are folded at the widget's width; a copied value is in one piece. With ``width`` sentences are wrapped
    and indented.
    """
    necessity = "required" if record.required else "recommended"
    mark = RECORD_MARKS[published.state].text(plain=plain)
    text = Text(overflow="fold")
    text.append(f"{safe_line(record.name)}  {record.type}", style="bold")
    text.append(f"  ({necessity}, {mark})\n")
    text.append(f"  {safe_line(record.shown)}\n")
    text.append(_indented("", record.reason, width), style="italic")
    if published.detail:
        text.append(
            "\n" + _indented(f"{RECORD_MARKS[published.state].sign(plain=plain)} ", published.detail, width)
        )
    if record.note:
        text.append("\n" + _indented("! ", record.note, width))
    return text


def _indented(sign: str, sentence: str, width: int) -> str:
    first, further = f"  {sign}", " " * (2 + len(sign))
    if not width:
        return first + safe_line(sentence)
    return "\n".join(wrap(safe_line(sentence), max(20, width), first, further))
