"""Text that is shown as it is: brackets in it are never markup, and controls never reach the terminal."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from mailwiz_tui.ui.terminal.text import safe_block


class NoMarkup(Static):
    """A Static for text from plans, servers and files; wraps, never interprets."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(safe_block(text), markup=False, id=id, classes=classes)
        self._text: str | Text = safe_block(text)

    def show(self, text: str | Text, *, layout: bool = True) -> None:
        """Replace the text; the same again costs nothing, nor does ``layout=False`` where its size is fixed."""
        safe = safe_block(text) if isinstance(text, str) else text
        if type(safe) is type(self._text) and safe == self._text:
            return
        self._text = safe
        self.update(safe, layout=layout)
