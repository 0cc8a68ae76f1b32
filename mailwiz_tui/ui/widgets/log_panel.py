"""A log that keeps up with thousands of lines: bounded, drawn on demand, following only a reader at its end."""

from __future__ import annotations

import re
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mailwiz_tui.ui.log_buffer import LogBuffer


class LogPanel(ScrollView, can_focus=True):
    """Shows one ``LogBuffer``. ``pull()`` takes over what is new; nothing is ever parsed as markup.

    Following: at the end it stays at the end; elsewhere the reader keeps his line, whatever arrives or
    falls off the front, and ``pending`` counts what he has not seen.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "scroll_home", show=False),
        Binding("G", "scroll_end", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.buffer = LogBuffer()
        self.rows: list[tuple[int, str]] = []
        self.wrap = True
        self.paused = False
        self.pending = 0
        self.pattern: re.Pattern[str] | None = None
        self.hit: int | None = None
        self._seen = 0
        self._wide = 0
        self._sticky = True

    @property
    def following(self) -> bool:
        """Whether the newest line is in sight and new ones will be."""
        return not self.paused and self._sticky

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolling up lets the end go; coming to the end holds on to it, whatever the window's size does."""
        super().watch_scroll_y(old_value, new_value)
        if self.is_vertical_scroll_end:
            self._sticky = True
            self.pending = 0
        elif new_value < old_value:
            self._sticky = False

    def _to_end(self) -> None:
        self._sticky = True
        self.pending = 0
        self.scroll_end(animate=False, immediate=True, force=True)

    def show(self, buffer: LogBuffer) -> None:
        """Show another buffer, from its end."""
        self.buffer = buffer
        self._rebuild()
        self._to_end()

    def pull(self) -> bool:
        """Take over new lines; True if there were any."""
        if self.paused:
            self.pending = self.buffer.total - self._seen
            return False
        if self.buffer.total == self._seen:
            return False
        before = self._seen
        removed = self._drop()
        first_new = max(self._seen, self.buffer.dropped)
        for number in range(first_new, self.buffer.total):
            self._add(number, self.buffer.lines[number - self.buffer.dropped])
        self._seen = self.buffer.total
        self._resize()
        if self._sticky:
            self._to_end()
        else:
            self.pending += self._seen - before
            self.scroll_to(y=max(0, self.scroll_offset.y - removed), animate=False, immediate=True, force=True)
        self.refresh()
        return True

    def follow(self) -> None:
        """Go to the end and stay there."""
        self.paused = False
        self.pull()
        self._to_end()

    def to_top(self) -> None:
        """Go to the first line and stay there."""
        self._sticky = False
        self.scroll_home(animate=False, immediate=True, force=True)

    def toggle_wrap(self) -> None:
        """Wrap long lines, or let them run out of sight to the right."""
        self.wrap = not self.wrap
        self._rebuild()
        self._to_end()

    def find(self, text: str) -> bool:
        """Mark lines that contain the text and go to the last of them; False if there is none."""
        self.pattern = re.compile(re.escape(text), re.IGNORECASE) if text else None
        self.hit = None
        self.refresh()
        return self.find_next() if text else True

    def find_next(self) -> bool:
        """Go to the hit before the present one, from the end upwards, and around."""
        if self.pattern is None or not self.rows:
            return False
        start = self.hit if self.hit is not None else len(self.rows)
        order = [*range(min(start, len(self.rows)) - 1, -1, -1), *range(len(self.rows) - 1, start - 1, -1)]
        for index in order:
            if self.pattern.search(self.rows[index][1]):
                self.hit = index
                self.scroll_to(y=max(0, index - self.size.height // 2), animate=False, immediate=True, force=True)
                self.refresh()
                return True
        return False

    def status(self) -> str:
        """How the log stands, in words."""
        lines = f"{self.buffer.total} lines"
        if self.paused:
            return f"{lines} · paused, {self.pending} new"
        if not self._sticky and self.pending:
            return f"{lines} · {self.pending} new below (f follows)"
        return f"{lines} · following" if self._sticky else f"{lines} · scrolled up (f follows)"

    def on_resize(self) -> None:
        """Wrapped rows depend on the width; the end stays in sight in a window of any size."""
        sticky = self._sticky
        if self.wrap and self.size.width != self._wide:
            self._rebuild()
        if sticky:
            self._to_end()

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        base = self.rich_style
        if not 0 <= index < len(self.rows):
            return Strip.blank(self.size.width, base)
        text = self.rows[index][1]
        style = base
        if text.startswith("── "):
            style = base + Style(bold=True)
        if self.pattern is not None and self.pattern.search(text):
            style = base + Style(reverse=True) if index == self.hit else base + Style(underline=True)
        strip = Strip([Segment(text, style)], cell_len(text))
        left = self.scroll_offset.x
        return strip.crop_extend(left, left + self.size.width, base)

    def _add(self, number: int, line: str) -> None:
        width = self.scrollable_content_region.width
        if self.wrap and width > 4 and cell_len(line) > width:
            pieces = chop_cells(line, width)
            self.rows.extend((number, piece) for piece in pieces)
        else:
            self.rows.append((number, line))

    def _drop(self) -> int:
        removed = 0
        while removed < len(self.rows) and self.rows[removed][0] < self.buffer.dropped:
            removed += 1
        if removed:
            del self.rows[:removed]
            if self.hit is not None:
                self.hit = self.hit - removed if self.hit >= removed else None
        return removed

    def _rebuild(self) -> None:
        self.rows = []
        self._wide = self.size.width
        for offset, line in enumerate(self.buffer.lines):
            self._add(self.buffer.dropped + offset, line)
        self._seen = self.buffer.total
        self.pending = 0
        self._resize()
        self.refresh()

    def _resize(self) -> None:
        width = 0 if self.wrap else max((len(text) for _, text in self.rows[-2000:]), default=0)
        self.virtual_size = Size(width, len(self.rows))
