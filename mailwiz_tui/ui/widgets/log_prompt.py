"""One row below a log for a search text or a filter."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.message import Message
from textual.widgets import Input

from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup


class LogPrompt(Horizontal):
    """Hidden until ``ask``; Enter accepts the text, Escape closes it without a change."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", show=False)]

    class Given(Message):
        """The operator typed a text and pressed Enter; ``kind`` is that of ``ask``."""

        def __init__(self, kind: str, text: str) -> None:
            super().__init__()
            self.kind = kind
            self.text = text

    class Cancelled(Message):
        """Escape was pressed."""

    def __init__(self) -> None:
        super().__init__()
        self.kind = ""
        self.display = False

    def compose(self) -> ComposeResult:
        yield NoMarkup("", id="log-prompt-label")
        yield Entry("", id="log-prompt-entry")

    def ask(self, kind: str, label: str, value: str = "") -> None:
        """Show the row and focus it."""
        self.kind = kind
        self.query_one("#log-prompt-label", NoMarkup).show(f"{label}: ")
        entry = self.query_one(Entry)
        entry.value = value
        self.display = True
        entry.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.display = False
        self.post_message(self.Given(self.kind, event.value.strip()))

    def action_cancel(self) -> None:
        """Close the row."""
        self.display = False
        self.post_message(self.Cancelled())
