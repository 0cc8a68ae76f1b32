"""How many servers a table shows at once, and which, so that the log below keeps its room."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len

LEAST = 8
BELOW = 24
"""Rows of the window that are left to everything but the table."""


def in_sight(count: int, chosen: int, height: int, least: int = LEAST) -> range:
    """The places of the servers that are shown in a window so high, the chosen one among them."""
    rows = max(least, height - BELOW)
    first = max(0, min(chosen - rows + 1, count - rows))
    return range(first, min(count, first + rows))


def server_heading(shown: range, count: int) -> str:
    """The first column's head, which says where in a long list this is: ``Server 5-12/12``."""
    return f"Server {shown.start + 1}-{shown.stop}/{count}" if len(shown) < count else "Server"


def name_width(names: Sequence[str], least: int, most: int) -> int:
    """Columns for the names and a gap: as many as the longest wants, within limits."""
    return max(least, min(most, max((cell_len(name) for name in names), default=0) + 2))
