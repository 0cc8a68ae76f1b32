"""F3: the DNS records in a dialog, for windows that are too narrow for the preview."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import OptionList

from mailwiz_tui.dns.record import Record
from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.dialogs.dialog import Dialog
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.record_list import PublishedOf, RecordList


class DnsDialog(Dialog[None]):
    """Shows all records; one can be copied. Step 7 saves them and looks them up in the DNS."""

    harmless = None
    help_text = (
        "These records are generated from the answers so far. Step 7 saves them as a zone file and looks them up "
        "in the DNS."
    )

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("records")]
    scopes: ClassVar[tuple[str, ...]] = ("records",)

    def __init__(self, records: Sequence[Record], note: str, published: PublishedOf, *, plain: bool) -> None:
        super().__init__("DNS records")
        self._published = published
        self._plain = plain
        self._records = records
        self._note = note

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield NoMarkup(self.heading, id="dialog-title")
            if self._note:
                yield NoMarkup(self._note, id="dialog-text")
            yield RecordList(id="dialog-records")
            yield NoMarkup("c copies the value, Esc goes back to the form", classes="dim")

    def on_mount(self) -> None:
        chooser = self.query_one(RecordList)
        chooser.show(self._records, self._published, plain=self._plain)
        chooser.focus()

    def action_copy_value(self) -> None:
        """Send the record's value to the terminal's clipboard (OSC 52)."""
        record = self.query_one(RecordList).chosen
        if record is None or record.pending:
            self.notify("This record has no value yet; F5 in step 7 gets it from the servers", markup=False)
            return
        self.app.copy_to_clipboard(record.value)
        self.notify(f"Sent to the terminal's clipboard: {record.name} {record.type}", markup=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(None)
