"""F1: what this screen asks, why, and which keys work here."""

from __future__ import annotations

from textual.containers import VerticalScroll

from mailwiz_tui.ui.dialogs.dialog import Dialog


class HelpDialog(Dialog[None]):
    """A page of help; arrows and page keys scroll it."""

    harmless = None

    def focus_first(self) -> None:
        """Focus the text, so that the arrow keys scroll it."""
        body = self.query_one("#dialog-body", VerticalScroll)
        body.can_focus = True
        body.focus()

    def on_key(self, event: object) -> None:
        """Enter closes the page, as does F1 once more."""
        if getattr(event, "key", "") in ("enter", "f1"):
            self.dismiss(None)
