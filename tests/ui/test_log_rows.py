"""Rows of a log: nothing of a line is lost or shown twice, whatever is wrapped, left out or fallen off."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from mailwiz_tui.ui.logs.log_buffer import TextFilter, is_error
from mailwiz_tui.ui.widgets.log_rows import LogRows

TEXT = st.text(alphabet="ab c/·é漢字😀", max_size=60)


def parts(rows: LogRows, lines: list[str], first: int) -> list[tuple[int, str]]:
    found = []
    for row in range(len(rows)):
        start, end = rows.part(row)
        found.append((rows.number(row), lines[rows.number(row) - first][start:end]))
    return found


@given(lines=st.lists(TEXT, max_size=12), room=st.integers(5, 30), first=st.integers(0, 10**9))
def test_wrapped_rows_fit_and_hold_each_line_whole(lines: list[str], room: int, first: int) -> None:
    rows = LogRows()
    rows.add(first, lines, room)
    shown = parts(rows, lines, first)
    assert all(cell_len(text) <= room for _, text in shown)
    assert ["".join(text for number, text in shown if number == first + i) for i in range(len(lines))] == lines
    assert rows.lines == len(lines)
    assert rows.numbers() == [first + i for i in range(len(lines))]


@given(lines=st.lists(TEXT, min_size=1, max_size=12), room=st.integers(5, 30), data=st.data())
def test_what_falls_off_the_front_takes_its_rows_along(lines: list[str], room: int, data: st.DataObject) -> None:
    gone = data.draw(st.integers(0, len(lines)))
    rows, rest = LogRows(), LogRows()
    rows.add(7, lines, room)
    rest.add(7 + gone, lines[gone:], room)
    before = len(rows)
    assert rows.drop_before(7 + gone) == before - len(rest)
    assert parts(rows, lines, 7) == parts(rest, lines, 7)
    assert rows.lines == rest.lines


def test_a_filter_leaves_lines_out_and_keeps_their_numbers() -> None:
    rows = LogRows()
    rows.add(100, ["postfix one", "other", "postfix two and more"], 12, TextFilter("postfix"))
    assert rows.numbers() == [100, 102]
    assert rows.lines == 2
    assert len(rows) == 3
    assert rows.first_row(101) == 1


def test_without_wrapping_each_line_is_a_row() -> None:
    rows = LogRows()
    rows.add(0, ["x" * 1000, "y"], 0)
    assert [rows.part(row) for row in range(len(rows))] == [(0, None), (0, None)]


@pytest.mark.parametrize(
    "line",
    [
        "an error came up",
        "FATAL: no",
        "kernel panic",
        "it failed",
        "failure of disk",
        "cannot open",
        "I can't",
        "permission denied",
        "connection refused",
        "NOQUEUE: rejected",
        "unable to read",
        "invalid argument",
        "to=<a@b>, status=bounced (x)",
        "status=deferred",
        "E: Unable to locate package x",
        "err: y",
    ],
)
def test_lines_that_tell_of_an_error_are_found(line: str) -> None:
    assert is_error(line)
    assert is_error(line.upper()) or line.startswith("E: ")


@pytest.mark.parametrize("line", ["no error", "0 errors", "errors=0", "libgpg-error0:amd64", "Setting up dovecot"])
def test_lines_that_only_sound_so_are_not(line: str) -> None:
    assert not is_error(line)
