"""Before a mail server that somebody else set up is replaced: what is there, what is kept, and a deliberate yes."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widget import Widget

from mailwiz_tui.ui.dialogs.dialog import Dialog
from mailwiz_tui.ui.terminal.text import safe_line
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

SHOWN_FILES = 6


class AdoptDialog(Dialog[bool]):
    """True once the server's id was typed; closing it leaves the server alone."""

    harmless = False
    help_text = (
        "Typing the name is the deliberate yes: what somebody else set up is replaced on this server. F5 in the "
        "review shows what differs before anything is changed."
    )

    def __init__(self, server_id: str, software: Sequence[str], files: Sequence[str]) -> None:
        super().__init__(f"{server_id} already has a mail server that somebody else set up")
        self.server_id = server_id
        more = f"\n  and {len(files) - SHOWN_FILES} more" if len(files) > SHOWN_FILES else ""
        listed = "\n".join(f"  {path}" for path in files[:SHOWN_FILES]) + more
        replaced = f"Written anew, what they hold now kept as a copy:\n{listed}\n\n" if files else ""
        self.body = safe_lines(
            f"There now: {', '.join(software)}.\n\n"
            f"{replaced}"
            "The copies lie under /var/lib/mailwiz/backup/ on the server. Mail that is there is not deleted, but "
            "accounts of the former set-up are not taken over: whoever has a mailbox there needs one here.\n\n"
            f"To replace it, type {server_id}."
        )

    def content(self) -> Sequence[Widget]:
        return (
            Entry(id="adopt-id", placeholder="empty: leave it alone"),
            NoMarkup("", id="dialog-error"),
        )

    def buttons(self) -> Sequence[tuple[str, str]]:
        return (("close", "Leave it alone"), ("ok", "Replace it"))

    def answered(self, answer: str) -> None:
        typed = self.query_one("#adopt-id", Entry).value.strip()
        if answer == "ok" and typed and typed != self.server_id:
            self.query_one("#adopt-id", Entry).add_class("-fault")
            self.query_one("#dialog-error", NoMarkup).show(f"that is not {self.server_id}; nothing is replaced")
            self.query_one("#dialog-body").scroll_end(animate=False)
            return
        self.dismiss(answer == "ok" and typed == self.server_id)


def safe_lines(text: str) -> str:
    """Each line safe to show."""
    return "\n".join(safe_line(line) for line in text.split("\n"))
