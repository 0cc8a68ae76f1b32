"""Asks before a mail server that mailwiz-tui did not configure is replaced: what it has, what is kept."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widget import Widget

from mailwiz_tui.ui.dialogs.dialog import Dialog
from mailwiz_tui.ui.terminal.text import safe_line
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

SHOWN_FILES = 6


class AdoptDialog(Dialog[bool]):
    """True if the server's id was typed; closing it leaves the server unchanged."""

    harmless = False
    help_text = (
        "Typing the server's name confirms that its present mail configuration is replaced. F5 in the review shows "
        "every difference before anything is changed."
    )

    def __init__(self, server_id: str, software: Sequence[str], files: Sequence[str]) -> None:
        super().__init__(f"{server_id} has a mail server that mailwiz-tui did not configure")
        self.server_id = server_id
        more = f"\n  and {len(files) - SHOWN_FILES} more" if len(files) > SHOWN_FILES else ""
        listed = "\n".join(f"  {path}" for path in files[:SHOWN_FILES]) + more
        replaced = f"Files that are replaced (copies are kept):\n{listed}\n\n" if files else ""
        self.body = safe_lines(
            f"Installed now: {', '.join(software)}.\n\n"
            f"{replaced}"
            "The copies are in /var/lib/mailwiz/backup/ on the server. Existing mail is not deleted, but the "
            "existing accounts are not imported: each user needs a new mailbox.\n\n"
            f"To replace it, type {server_id}."
        )

    def content(self) -> Sequence[Widget]:
        return (
            Entry(id="adopt-id", placeholder="empty: change nothing"),
            NoMarkup("", id="dialog-error"),
        )

    def buttons(self) -> Sequence[tuple[str, str]]:
        return (("close", "Change nothing"), ("ok", "Replace it"))

    def answered(self, answer: str) -> None:
        typed = self.query_one("#adopt-id", Entry).value.strip()
        if answer == "ok" and typed and typed != self.server_id:
            self.query_one("#adopt-id", Entry).add_class("-fault")
            self.query_one("#dialog-error", NoMarkup).show(f"This is not {self.server_id}; nothing is replaced")
            self.query_one("#dialog-body").scroll_end(animate=False)
            return
        self.dismiss(answer == "ok" and typed == self.server_id)


def safe_lines(text: str) -> str:
    """Text whose lines are each made safe to show."""
    return "\n".join(safe_line(line) for line in text.split("\n"))
