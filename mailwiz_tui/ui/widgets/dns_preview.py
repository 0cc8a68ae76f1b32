"""The DNS records of the answers so far, beside a form."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.app import ComposeResult
from textual.containers import Vertical, VerticalScroll

from mailwiz_tui.dns.record import Record
from mailwiz_tui.ui.session.published import PLANNED
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.record_list import PublishedOf, record_text


class DnsPreview(Vertical):
    """A pane that is redrawn when the plan changes."""

    def compose(self) -> ComposeResult:
        yield NoMarkup("DNS records", classes="heading")
        with VerticalScroll(can_focus=False):
            yield NoMarkup("", id="dns-preview-text")

    def show(
        self,
        records: Sequence[Record],
        note: str,
        published: PublishedOf = lambda record: PLANNED,
        *,
        plain: bool = False,
    ) -> None:
        """Show records below a note (what is missing)."""
        text = Text(overflow="fold")
        if note:
            text.append(note + "\n\n")
        domain = None
        for record in records:
            if record.domain != domain:
                domain = record.domain
                text.append(f"{domain}\n", style="bold underline")
            text.append_text(record_text(record, published(record), plain=plain))
            text.append("\n")
        self.query_one("#dns-preview-text", NoMarkup).show(text)
