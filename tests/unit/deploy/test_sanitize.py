"""Whatever a server prints, what comes out is one printable line."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailwiz_tui.deploy.sanitize import MAX_LINE, clean_line, clean_lines, clean_text

HOSTILE = st.lists(
    st.one_of(
        st.text(max_size=20),
        st.sampled_from(
            ["\x1b[", "\x1b]", "\x1bP", "\x1b", "\x07", "\x1b\\", "\r", "\n", "\x9b", "\x9d", "\x90", "\x9c", "31m",
             "0;title", "\x08", "\x00", "‮", "​", "2J", "\t", "?1049h"]
        ),
    ),
    max_size=30,
).map("".join)  # fmt: skip


def is_harmless(text: str) -> bool:
    return not any(unicodedata.category(c) in ("Cc", "Cs") or c in "‪‫‬‭‮⁦⁧⁨⁩​" for c in text)


@given(HOSTILE)
@example("\x1b]0;never ended")
@example("\x1b[999999999999")
@example("\udcff")
def test_nothing_that_a_terminal_obeys_survives(text: str) -> None:
    assert is_harmless(clean_line(text))
    assert is_harmless(clean_text(text))
    assert len(clean_line(text, 80)) <= 80
    assert all(is_harmless(line) for line in clean_lines(text))


@given(HOSTILE)
def test_cleaning_twice_changes_nothing_more(text: str) -> None:
    once = clean_line(text)
    assert clean_line(once) == once


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=200))
def test_plain_text_stays(text: str) -> None:
    assert clean_line(text) == text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("\x1b[1;31mred\x1b[0m", "red"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1bPq#0;2;0;0;0\x1b\\after", "after"),
        ("\x9b31mred", "red"),
        ("\x1b(Btext", "text"),
        (" 10%\r 55%\r100%\r\n", "100%"),
        ("progress 10%\rprogress 20%\r", "progress 20%"),
        ("a\tb\x08c", "a bc"),
        ("x" * 5000, "x" * (MAX_LINE - 2) + " …"),
        ("admin‮gpj.exe", "admingpj.exe"),
        ("[bold]markup[/bold]", "[bold]markup[/bold]"),
    ],
)
def test_examples(raw: str, clean: str) -> None:
    assert clean_line(raw) == clean


def test_a_line_of_megabytes_is_cut_quickly() -> None:
    assert len(clean_line("\x1b[0m" * 2_000_000)) <= MAX_LINE
