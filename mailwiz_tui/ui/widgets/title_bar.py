"""The top row: the screen's title, and a note at the right, such as the plan's file name."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual.events import Resize
from textual.widgets import Static

from mailwiz_tui.ui.terminal.text import safe_line


class TitleBar(Static):
    """A row with a title at the left and a note at the right; without room the note is omitted."""

    def __init__(self, title: str, note: str = "") -> None:
        super().__init__("", markup=False)
        self.title = safe_line(title)
        self.note = safe_line(note)
        self._drawn = ""

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self, event: Resize) -> None:
        self.draw()

    def show(self, title: str | None = None, note: str | None = None) -> None:
        """Change the title or the note."""
        self.title = safe_line(title) if title is not None else self.title
        self.note = safe_line(note) if note is not None else self.note
        self.draw()

    def draw(self) -> None:
        """Draw title and note over the width."""
        width = (self.size.width or self.app.size.width) - 2
        room = width - cell_len(self.title) - 2
        note = self.note if cell_len(self.note) <= room else ""
        line = self.title if not note else set_cell_size(self.title, width - cell_len(note)) + note
        if line != self._drawn:
            self._drawn = line
            self.update(" " + line, layout=False)
