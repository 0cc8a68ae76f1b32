"""The top row: where the operator is, and on the right what he should never wonder about."""

from __future__ import annotations

from rich.cells import cell_len, set_cell_size
from textual.events import Resize
from textual.widgets import Static

from mailwiz_tui.ui.terminal.text import safe_line


class TitleBar(Static):
    """A row with a title on the left and a note on the right; the note gives way first."""

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
        """Change either side."""
        self.title = safe_line(title) if title is not None else self.title
        self.note = safe_line(note) if note is not None else self.note
        self.draw()

    def draw(self) -> None:
        """Lay the two sides out over the width."""
        width = (self.size.width or self.app.size.width) - 2
        room = width - cell_len(self.title) - 2
        note = self.note if cell_len(self.note) <= room else ""
        line = self.title if not note else set_cell_size(self.title, width - cell_len(note)) + note
        if line != self._drawn:
            self._drawn = line
            self.update(" " + line, layout=False)
