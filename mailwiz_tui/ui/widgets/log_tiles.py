"""Logs of several servers side by side if there is room, else one at a time."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from textual.app import ComposeResult
from textual.containers import Container

from mailwiz_tui.ui.logs.log_buffer import LogBuffer
from mailwiz_tui.ui.widgets.log_view import LogView

WIDE = 120
LEAST_ROWS = 6
LEAST_COLUMNS = 56

BufferOf = Callable[[str], LogBuffer]


def tiling(count: int, width: int, height: int, room: int = 0) -> tuple[int, int]:
    """Columns and rows of tiles for ``count`` servers in a window of a size; (1, 1) shows one at a time.

    ``room`` is the number of columns for the tiles, if other widgets are beside them.
    """
    if count < 2 or width < WIDE:
        return 1, 1
    columns = max(1, min(count, (room or width) // LEAST_COLUMNS))
    rows = max(1, min(-(-count // columns), height // LEAST_ROWS))
    return (columns, rows) if columns * rows > 1 else (1, 1)


class LogTiles(Container):
    """Has as many ``LogView`` as there is room for; only these are drawn.

    ``lay_out`` sets the servers and the chosen one, which is always visible.
    """

    def __init__(self, buffer_of: BufferOf, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self._buffer_of = buffer_of
        self._shown: list[str] = []
        self.views = [LogView()]
        self.alone = False

    def compose(self) -> ComposeResult:
        yield from self.views

    def active(self, chosen: str) -> LogView:
        """The tile of the chosen server."""
        at = self._shown.index(chosen) if chosen in self._shown else 0
        return self.views[min(at, len(self.views) - 1)]

    def lay_out(self, servers: Sequence[str], chosen: str) -> None:
        """Show the servers that fit, including the chosen one."""
        if not chosen:
            return
        width, size = self.app.size.width, self.size
        columns, rows = (1, 1) if self.alone else tiling(len(servers), width, size.height, size.width)
        room = columns * rows
        first = servers.index(chosen) // room * room if chosen in servers else 0
        wanted = list(servers[first : first + room]) if room > 1 else [chosen]
        if wanted != self._shown:
            self._fit(len(wanted))
            self.styles.grid_size_columns = min(columns, len(wanted))
            self.styles.grid_size_rows = -(-len(wanted) // max(1, min(columns, len(wanted))))
            self._shown = wanted
            for view, server_id in zip(self.views, wanted, strict=True):
                view.show(f"log of {server_id}", self._buffer_of(server_id))
        for view, server_id in zip(self.views, wanted, strict=True):
            view.activate(active=server_id == chosen)

    def tick(self) -> None:
        """Draw new lines in every tile."""
        for view in self.views:
            view.tick()

    def _fit(self, count: int) -> None:
        for view in self.views[count:]:
            view.remove()
        added = [LogView() for _ in range(count - len(self.views))]
        self.views = [*self.views[:count], *added]
        if added:
            self.mount_all(added)
