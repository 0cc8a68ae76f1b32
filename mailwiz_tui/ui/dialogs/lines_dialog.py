"""Dialogs to read: the lines of a comparison or a log, or a page of help."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from mailwiz_tui.ui.dialogs.dialog import Dialog
from mailwiz_tui.ui.logs.log_buffer import LogBuffer
from mailwiz_tui.ui.widgets.log_panel import LogPanel
from mailwiz_tui.ui.widgets.no_markup import NoMarkup


class LinesDialog(Dialog[None]):
    """Fills the window with lines that scroll."""

    harmless = None
    help_text = "Arrow and page keys scroll the lines. This dialog changes nothing."

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        super().__init__(title)
        self._buffer = LogBuffer(limit=1_000_000)
        for line in lines:
            self._buffer.append(line)

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield NoMarkup(self.heading, id="dialog-title")
            yield LogPanel(id="lines")
            yield NoMarkup("↑↓ PgUp PgDn scroll, Esc goes back", classes="dim")

    def on_mount(self) -> None:
        panel = self.query_one(LogPanel)
        panel.show(self._buffer)
        self.call_after_refresh(panel.to_top)
        panel.focus()


class HelpDialog(Dialog[None]):
    """A page of help; arrow and page keys scroll it."""

    harmless = None

    def focus_first(self) -> None:
        """Focus the text, so that the arrow keys scroll it."""
        body = self.query_one("#dialog-body", VerticalScroll)
        body.can_focus = True
        body.focus()

    def on_key(self, event: object) -> None:
        """Enter and F1 close the page."""
        if getattr(event, "key", "") in ("enter", "f1"):
            self.dismiss(None)
