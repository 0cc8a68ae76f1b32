"""A log that keeps up with thousands of lines: bounded, drawn on demand, following only a reader at its end."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator
from typing import ClassVar

from rich.cells import cell_len, chop_cells
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.scroll_view import ScrollView
from textual.strip import Strip

from mailwiz_tui.ui.log_buffer import LineFilter, LogBuffer, is_error

STAMP = 9
Row = tuple[int, str]


class LogPanel(ScrollView, can_focus=True):
    """Shows one ``LogBuffer``. ``pull()`` takes over what is new; nothing is ever parsed as markup.

    Following: at the end it stays at the end; elsewhere the reader keeps his line, whatever arrives or
    falls off the front, and ``pending`` counts what he has not seen. ``rows`` are ``(line number, text)``.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"log--error", "log--stamp"}
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("g", "scroll_home", show=False),
        Binding("G", "scroll_end", show=False),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.buffer = LogBuffer()
        self.rows: list[Row] = []
        self.wrap = True
        self.stamps = False
        self.paused = False
        self.pending = 0
        self.pattern: re.Pattern[str] | None = None
        self.filter: LineFilter | None = None
        self.shown_lines = 0
        self.hit: int | None = None
        self._judged = 0
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
        self.hit = None
        self._rebuild()
        self._to_end()

    def pull(self) -> bool:
        """Take over new lines; True if there were any."""
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
        removed = self._drop()
        before = self.shown_lines
        first_new = max(self._seen, self.buffer.dropped)
        self._add_from(first_new)
        self._seen = self.buffer.total
        self._resize()
        if self._sticky:
            self._to_end()
        else:
            self.pending += self.shown_lines - before
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
        self._redraw_in_place()

    def toggle_stamps(self) -> None:
        """Show the time of each line, or not."""
        self.stamps = not self.stamps
        self._redraw_in_place()

    def set_filter(self, chosen: LineFilter | None) -> None:
        """Show only the lines that a filter lets through; None shows all."""
        self.filter = chosen
        self._redraw_in_place()

    def find(self, text: str) -> bool:
        """Mark lines that contain the text and go to the last of them; False if there is none."""
        self.pattern = re.compile(re.escape(text), re.IGNORECASE) if text else None
        self.hit = None
        self.refresh()
        return self.find_next() if text else True

    def find_next(self, *, newer: bool = False) -> bool:
        """Go to the hit before the present one, from the end upwards, and around; ``newer`` goes downwards."""
        pattern = self.pattern
        return pattern is not None and self._seek(lambda line: bool(pattern.search(line)), newer=newer)

    def next_error(self) -> bool:
        """Go to the error before the present place, from the end upwards, and around."""
        return self._seek(is_error, newer=False)

    def lines_in_sight(self) -> list[str]:
        """The whole lines of which something is in sight."""
        top = self.scroll_offset.y
        numbers = dict.fromkeys(number for number, _ in self.rows[top : top + self.size.height])
        return [self._line(number) for number in numbers]

    def status(self) -> str:
        """How the log stands, in words."""
        lines = f"{self.buffer.total} line{'s' if self.buffer.total != 1 else ''}"
        if self.filter is not None:
            lines = f"{self.shown_lines} of {lines} with “{self.filter.text}”"
        if self.paused:
            return f"{lines} · paused, {self.pending} new (f follows)"
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
        number, text = self.rows[index]
        line = self._line(number)
        style = base
        if line.startswith("── "):
            style = base + Style(bold=True)
        elif is_error(line):
            style = base + self.get_component_rich_style("log--error", partial=True)
        if number == self.hit:
            style += Style(bold=True)
        strip = Strip(list(self._segments(text, style, current=number == self.hit)), cell_len(text))
        left = self.scroll_offset.x
        return strip.crop_extend(left, left + self.size.width, base)

    def _segments(self, text: str, style: Style, *, current: bool) -> Iterator[Segment]:
        at = 0
        if self.stamps:
            at = STAMP
            yield Segment(text[:at], style + self.get_component_rich_style("log--stamp", partial=True))
        if self.pattern is None and current:
            yield Segment(text[at:], style + Style(reverse=True))
            return
        for match in self.pattern.finditer(text, at) if self.pattern else ():
            yield Segment(text[at : match.start()], style)
            yield Segment(match[0], style + (Style(reverse=True) if current else Style(underline=True, bold=True)))
            at = match.end()
        yield Segment(text[at:], style)

    def _line(self, number: int) -> str:
        index = number - self.buffer.dropped
        return self.buffer.lines[index] if 0 <= index < len(self.buffer.lines) else ""

    def _seek(self, wanted: Callable[[str], bool], *, newer: bool) -> bool:
        numbers = list(dict.fromkeys(number for number, _ in self.rows))
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
        row = bisect_left(self.rows, (number, ""))
        self._sticky = False
        self.scroll_to(y=max(0, row - self.size.height // 2), animate=False, immediate=True, force=True)
        self.refresh()

    def _add_from(self, first: int) -> None:
        """Lay out the lines from a number on; plain ones, which are most, without a look at each cell."""
        room = self.scrollable_content_region.width
        if self.filter is not None or self.stamps:
            for number in range(first, self.buffer.total):
                self._add(number)
            return
        wrap = self.wrap and room > 4
        lines = self.buffer.lines[first - self.buffer.dropped :]
        append, extend = self.rows.append, self.rows.extend
        for number, line in enumerate(lines, first):
            if not wrap or (len(line) <= room and line.isascii()):
                append((number, line))
            elif line.isascii():
                extend([(number, line[at : at + room]) for at in range(0, len(line), room)])
            else:
                extend([(number, piece) for piece in chop_cells(line, room)] or [(number, "")])
        self.shown_lines += len(lines)

    def _add(self, number: int) -> None:
        line = self._line(number)
        if self.filter is not None and not self.filter.matches(line):
            return
        self.shown_lines += 1
        room = self.scrollable_content_region.width
        stamp = pad = ""
        if self.stamps:
            stamp, pad = self.buffer.stamp(number - self.buffer.dropped) + " ", " " * STAMP
            room -= STAMP
        long = len(line) > room if line.isascii() else cell_len(line) > room
        if self.wrap and room > 4 and long:
            pieces = chop_cells(line, room)
            self.rows.extend((number, (pad if i else stamp) + piece) for i, piece in enumerate(pieces))
        else:
            self.rows.append((number, stamp + line))

    def _drop(self) -> int:
        removed = bisect_left(self.rows, (self.buffer.dropped, ""))
        if removed:
            self.shown_lines -= len({number for number, _ in self.rows[:removed]})
            del self.rows[:removed]
        return removed

    def _redraw_in_place(self) -> None:
        """Build all rows anew; the end stays at the end, and a reader stays at his line."""
        sticky = self._sticky
        top = self.rows[self.scroll_offset.y][0] if self.scroll_offset.y < len(self.rows) else 0
        self._rebuild()
        if sticky:
            self._to_end()
        else:
            row = bisect_left(self.rows, (top, ""))
            self.scroll_to(y=row, animate=False, immediate=True, force=True)

    def _rebuild(self) -> None:
        self.rows = []
        self.shown_lines = 0
        self._wide = self.size.width
        self._judged = self.filter.version if self.filter is not None else 0
        self._add_from(self.buffer.dropped)
        self._seen = self.buffer.total
        self.pending = 0
        self._resize()
        self.refresh()

    def _resize(self) -> None:
        width = 0 if self.wrap else max((len(text) for _, text in self.rows[-2000:]), default=0)
        self.virtual_size = Size(width, len(self.rows))
