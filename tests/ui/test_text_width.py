"""Text is measured in columns: a Chinese or Japanese character takes two, and a combining one none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mailwiz_tui.commands import mailbox_tables
from mailwiz_tui.manage.account_entries import MailboxEntry
from mailwiz_tui.ui.terminal.text import fit, in_rows, safe_line, wrap
from mailwiz_tui.ui.widgets.visible_rows import name_width


def test_zero_width_characters_do_not_reach_the_screen() -> None:
    assert safe_line("post\u200bmaster\u2066") == "postmaster"


@given(st.text(alphabet="ab 日本語é-", max_size=80), st.integers(8, 30))
def test_no_row_is_wider_than_asked(text: str, width: int) -> None:
    rows = wrap(text, width, "- ", "  ")
    assert all(cell_len(row) <= width for row in rows)
    kept = "".join(rows).replace(" ", "").removeprefix("-")
    assert kept == text.replace(" ", "")
    assert cell_len(fit(text, width)) == width
    assert all(cell_len(row) <= width for row in in_rows(text, width, 2).split("\n"))


def test_a_wide_name_has_room_in_its_column() -> None:
    assert name_width(["日本語日本語日"], 4, 40) == 16


def test_the_table_of_mailboxes_stands_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    mailbox_tables.print_mailboxes(
        [MailboxEntry("a@example.com", name, 0, 0, 0, True, "2026-01-01") for name in ("日本", "Ann")]
    )
    lines = capsys.readouterr().out.splitlines()
    assert len({cell_len(line.partition(" in use")[0]) for line in lines[1:]}) == 1
