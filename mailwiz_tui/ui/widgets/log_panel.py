"""A log widget for many thousands of lines: draws only visible rows, and follows the end unless scrolled up."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mailwiz_tui.plan.words import counted
from mailwiz_tui.ui.logs.log_buffer import LineFilter, LogBuffer, is_error
from mailwiz_tui.ui.widgets.log_rows import LogRows
from mailwiz_tui.ui.widgets.scroll_bar import SteadyScrollBar

STAMP = 9


class LogPanel(ScrollView, can_focus=True):
    """Shows one ``LogBuffer``. ``pull()`` reads new lines; nothing is parsed as markup.

    At the end it follows new lines; scrolled up it keeps the present line, whatever is added or removed, and
    ``pending`` counts the new lines.

    The panel's size does not depend on the log, so new lines need no new layout of the screen; only rows are
    repainted, not the scroll bar.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--error", "log--stamp"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "scroll_home", show=False),
        Binding("G", "scroll_end", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.buffer = LogBuffer()
        self.rows = LogRows()
        self.wrap = True
        self.stamps = False
        self.paused = False
        self.pending = 0
        self.pattern: re.Pattern[str] | None = None
        self.filter: LineFilter | None = None
        self.hit: int | None = None
        self._judged = 0
        self._seen = 0
        self._wide = 0
        self._sticky = True
        self._base = Style()

    @property
    def vertical_scrollbar(self) -> SteadyScrollBar:
        if not isinstance(self._vertical_scrollbar, SteadyScrollBar):
            self._vertical_scrollbar = bar = SteadyScrollBar(
                name="vertical", thickness=self.scrollbar_size_vertical
            )
            bar.display = False
            self.app._start_widget(self, bar)
            return bar
        return self._vertical_scrollbar

    @property
    def following(self) -> bool:
        """Whether the panel follows new lines."""
        return not self.paused and self._sticky

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Scrolling up stops following; reaching the end starts it again, also after the window is resized."""
        self.vertical_scrollbar.position = new_value
        if round(old_value) != round(new_value):
            self._repaint()
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
        self.hit = None
        self._rebuild()
        self._to_end()

    def pull(self) -> bool:
        """Read new lines; True if there were any."""
        if self.filter is not None and self.filter.version != self._judged and not self.paused:
            self._rebuild()
            if self._sticky:
                self._to_end()
            return True
        if self.paused:
            self.pending = self.buffer.total - self._seen
            return False
        if self.buffer.total == self._seen:
            return False
        with self.vertical_scrollbar.held():
            self._read_new()
        self._repaint()
        return True

    def _read_new(self) -> None:
        removed = self.rows.drop_before(self.buffer.dropped)
        before = self.rows.lines
        self._add_from(max(self._seen, self.buffer.dropped))
        self._seen = self.buffer.total
        self._resize()
        if self._sticky:
            self._to_end()
        else:
            self.pending += self.rows.lines - before
            self.scroll_to(y=max(0, self.scroll_offset.y - removed), animate=False, immediate=True, force=True)

    def follow(self) -> None:
        """Go to the end and follow new lines."""
        self.paused = False
        self.pull()
        self._to_end()

    def to_top(self) -> None:
        """Go to the first line."""
        self._sticky = False
        self.scroll_home(animate=False, immediate=True, force=True)

    def toggle_wrap(self) -> None:
        """Switch wrapping of long lines on or off."""
        self.wrap = not self.wrap
        self._redraw_in_place()

    def toggle_stamps(self) -> None:
        """Switch the time of each line on or off."""
        self.stamps = not self.stamps
        self._redraw_in_place()

    def set_filter(self, chosen: LineFilter | None) -> None:
        """Show only the lines that match a filter; None shows all."""
        self.filter = chosen
        self._redraw_in_place()

    def find(self, text: str) -> bool:
        """Mark lines that contain the text and go to the last; False if there is none."""
        self.pattern = re.compile(re.escape(text), re.IGNORECASE) if text else None
        self.hit = None
        self._repaint()
        return self.find_next() if text else True

    def find_next(self, *, newer: bool = False) -> bool:
        """Go to the previous match, from the end upwards, and around; ``newer`` goes downwards."""
        pattern = self.pattern
        return pattern is not None and self._seek(lambda line: bool(pattern.search(line)), newer=newer)

    def next_error(self) -> bool:
        """Go to the previous error, from the end upwards, and around."""
        return self._seek(is_error, newer=False)

    def visible_lines(self) -> list[str]:
        """The full text of all lines that are at least partly visible."""
        top = self.scroll_offset.y
        return [self._line(number) for number in self.rows.numbers(top, top + self.size.height)]

    def status(self) -> str:
        """The state of the log in words."""
        lines = counted(self.buffer.total, "line")
        if self.filter is not None:
            lines = f"{self.rows.lines} of {lines} with “{self.filter.text}”"
        if self.paused:
            return f"{lines} · paused, {self.pending} new (f follows)"
        if not self._sticky and self.pending:
            return f"{lines} · {self.pending} new below (f follows)"
        return f"{lines} · following" if self._sticky else f"{lines} · scrolled up (f follows)"

    def on_resize(self) -> None:
        """Wrap to the new width; the end stays visible if the panel follows."""
        sticky = self._sticky
        if self.wrap and self.size.width != self._wide:
            self._rebuild()
        if sticky:
            self._to_end()

    def render_lines(self, crop: Region) -> list[Strip]:
        self._base = self.rich_style
        return super().render_lines(crop)

    def render_line(self, y: int) -> Strip:
        index = y + self.scroll_offset.y
        base = self._base
        if not 0 <= index < len(self.rows):
            return Strip.blank(self.size.width, base)
        number = self.rows.number(index)
        line = self._line(number)
        style = base
        if line.startswith("── "):
            style = base + Style(bold=True)
        elif is_error(line):
            style = base + self.get_component_rich_style("log--error", partial=True)
        if number == self.hit:
            style += Style(bold=True)
        strip = Strip(list(self._segments(index, line, style)))
        left = self.scroll_offset.x
        return strip.crop_extend(left, left + self.size.width, base)

    def _segments(self, index: int, line: str, style: Style) -> Iterator[Segment]:
        """A row in as few segments as possible, with the blanks to the edge: each costs 40 bytes over the link."""
        number = self.rows.number(index)
        current = number == self.hit
        start, end = self.rows.part(index)
        text, at, used = line[start:end], 0, 0
        if self.stamps:
            stamp = "" if start else self.buffer.stamp(number - self.buffer.dropped)
            yield Segment(stamp.ljust(STAMP), style + self.get_component_rich_style("log--stamp", partial=True))
            used = STAMP
        blanks = " " * (self.size.width - used - cell_len(text))
        if self.pattern is None and current:
            yield Segment(text, style + Style(reverse=True))
            yield Segment(blanks, style)
            return
        for match in self.pattern.finditer(text) if self.pattern else ():
            yield Segment(text[at : match.start()], style)
            yield Segment(match[0], style + (Style(reverse=True) if current else Style(underline=True, bold=True)))
            at = match.end()
        yield Segment(text[at:] + blanks, style)

    def _line(self, number: int) -> str:
        index = number - self.buffer.dropped
        return self.buffer.lines[index] if 0 <= index < len(self.buffer.lines) else ""

    def _seek(self, wanted: Callable[[str], bool], *, newer: bool) -> bool:
        numbers = self.rows.numbers()
        if not numbers:
            return False
        at = bisect_left(numbers, self.hit) if self.hit is not None else (0 if newer else len(numbers))
        if newer:
            at = min(at + (self.hit is not None), len(numbers))
            order = [*range(at, len(numbers)), *range(at)]
        else:
            order = [*range(min(at, len(numbers)) - 1, -1, -1), *range(len(numbers) - 1, at - 1, -1)]
        for index in order:
            if wanted(self._line(numbers[index])):
                self.hit = numbers[index]
                self._show_line(self.hit)
                return True
        return False

    def _show_line(self, number: int) -> None:
        row = self.rows.first_row(number)
        self._sticky = False
        self.scroll_to(y=max(0, row - self.size.height // 2), animate=False, immediate=True, force=True)
        self._repaint()

    def _add_from(self, first: int) -> None:
        room = self.scrollable_content_region.width - (STAMP if self.stamps else 0)
        lines = self.buffer.lines[first - self.buffer.dropped :]
        self.rows.add(first, lines, room if self.wrap and room > 4 else 0, self.filter)

    def _redraw_in_place(self) -> None:
        """Rebuild all rows; the panel stays at the end, or at the present line."""
        sticky = self._sticky
        top = self.rows.number(self.scroll_offset.y) if self.scroll_offset.y < len(self.rows) else 0
        self._rebuild()
        if sticky:
            self._to_end()
        else:
            self.scroll_to(y=self.rows.first_row(top), animate=False, immediate=True, force=True)

    def _rebuild(self) -> None:
        self.rows.clear()
        self._wide = self.size.width
        self._judged = self.filter.version if self.filter is not None else 0
        self._add_from(self.buffer.dropped)
        self._seen = self.buffer.total
        self.pending = 0
        self._resize()
        self._repaint()

    def _resize(self) -> None:
        """Set the virtual size for the scroll bars, without a new layout of the whole screen."""
        width = 0
        if not self.wrap:
            numbers = self.rows.numbers(max(0, len(self.rows) - 2000))
            width = max((cell_len(self._line(number)) for number in numbers), default=0)
            width += STAMP if self.stamps else 0
        self.set_reactive(LogPanel.virtual_size, Size(width, len(self.rows)))
        self._scroll_update(self.virtual_size)

    def _repaint(self) -> None:
        self.refresh(Region(0, 0, *self.scrollable_content_region.size))
