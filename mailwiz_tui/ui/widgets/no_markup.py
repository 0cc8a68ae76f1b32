"""Text shown literally: brackets are not markup, and control characters are removed."""

from __future__ import annotations

from rich.text import Text
from textual.widgets import Static

from mailwiz_tui.ui.terminal.text import safe_block


class NoMarkup(Static):
    """A Static for text from plans, servers and files; it wraps text and does not interpret it."""

    def __init__(self, text: str = "", *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(safe_block(text), markup=False, id=id, classes=classes)
        self._text: str | Text = safe_block(text)

    def show(self, text: str | Text, *, layout: bool = True) -> None:
        """Replace the text, if it changed; ``layout=False`` saves a layout if the size is fixed."""
        safe = safe_block(text) if isinstance(text, str) else text
        if type(safe) is type(self._text) and safe == self._text:
            return
        self._text = safe
        self.update(safe, layout=layout)
