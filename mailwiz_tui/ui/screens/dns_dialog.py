"""F3: the DNS records over a form that has no room beside it."""

from __future__ import annotations

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import OptionList

from mailwiz_tui.dns.record import Record
from mailwiz_tui.ui.screens.dialog import Dialog
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.record_list import RecordList


class DnsDialog(Dialog[None]):
    """All records, to read; step 7 copies and saves them."""

    harmless = None

    def __init__(self, records: Sequence[Record], note: str) -> None:
        super().__init__("DNS records")
        self._records = records
        self._note = note

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield NoMarkup(self.heading, id="dialog-title")
            if self._note:
                yield NoMarkup(self._note, id="dialog-text")
            yield RecordList(id="dialog-records")
            yield NoMarkup("Esc goes back to the form", classes="dim")

    def on_mount(self) -> None:
        chooser = self.query_one(RecordList)
        chooser.show(self._records)
        chooser.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(None)
