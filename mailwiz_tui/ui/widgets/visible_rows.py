"""Which servers a table shows at once, so that the log below it has room."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

LEAST = 8
BELOW = 24
"""Rows of the window for everything except the table."""


def visible(count: int, chosen: int, height: int, least: int = LEAST) -> range:
    """The positions of the servers shown in a window of ``height`` rows, including the chosen one."""
    rows = max(least, height - BELOW)
    first = max(0, min(chosen - rows + 1, count - rows))
    return range(first, min(count, first + rows))


def server_heading(shown: range, count: int) -> str:
    """The first column's head, with the position in a long list: ``Server 5-12/12``."""
    return f"Server {shown.start + 1}-{shown.stop}/{count}" if len(shown) < count else "Server"


def name_width(names: Sequence[str], least: int, most: int) -> int:
    """Columns for the names and a gap: as many as the longest needs, within limits."""
    return max(least, min(most, max((cell_len(name) for name in names), default=0) + 2))
