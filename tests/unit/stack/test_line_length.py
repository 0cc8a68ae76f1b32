"""Lines that are too long: fields are folded without changing what they say, bodies are measured."""

from __future__ import annotations

import email
import email.policy
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwiz_tui.stack.message_checks.line_length import LIMIT, LineCounter, fold, longest_line

IDENTIFIERS = [f"<{number:030d}@mail.example.com>" for number in range(30)]


def unfolded(value: str) -> str:
    """What a reader takes the field for (RFC 5322 section 2.2.3)."""
    return re.sub(r"\n(?=[ \t])", "", value)


@pytest.mark.parametrize("between", [" ", "\t", "  ", ""])
def test_references_of_a_long_thread_are_folded_between_identifiers(between: str) -> None:
    value = between.join(IDENTIFIERS)
    assert longest_line("References", value) > LIMIT
    new = fold("References", value)
    assert new is not None
    assert longest_line("References", new) <= 78
    assert re.findall("<[^>]*>", new) == IDENTIFIERS
    if between:
        assert unfolded(new) == value


def test_addresses_without_a_space_are_folded_after_commas_but_never_inside_quotes() -> None:
    value = ",".join(f'"Doe, {n}"<d{n}@example.com>' for n in range(60))
    new = fold("To", value)
    assert new is not None
    assert longest_line("To", new) <= LIMIT
    message = email.message_from_string(f"To: {new}\n\n", policy=email.policy.default)
    assert [a.addr_spec for a in message["To"].addresses] == [f"d{n}@example.com" for n in range(60)]
    assert {a.display_name for a in message["To"].addresses} == {f"Doe, {n}" for n in range(60)}


def test_a_subject_is_folded_at_its_spaces_and_what_has_none_cannot_be() -> None:
    value = "word " * 300
    new = fold("Subject", value)
    assert new is not None
    assert unfolded(new) == value
    assert longest_line("Subject", new) <= LIMIT
    assert fold("Subject", "x" * 990) is None
    assert fold("X-Data", "a" * 1100 + " b") is None


def test_lines_that_are_short_enough_stay_as_they_are() -> None:
    for value in ("short", " two\n\tlines", "x" * 900, f"{'y ' * 300}\n {'z' * 900}"):
        assert fold("Subject", value) == value
    long = "a" * 500 + " " + "b" * 600
    assert fold("Subject", f"first\n {long}\n last") == f"first\n {'a' * 500}\n {'b' * 600}\n last"


@given(
    st.lists(
        st.text(st.characters(exclude_characters="\n\r \t", exclude_categories=["Cs"]), min_size=1, max_size=400),
        max_size=40,
    )
)
def test_folding_at_white_space_changes_nothing(words: list[str]) -> None:
    value = " ".join(words)
    new = fold("Subject", value)
    if new is not None:
        assert unfolded(new) == value
        assert longest_line("Subject", new) <= LIMIT
        assert all(line.strip(" \t") for line in new.split("\n")) or not value


def test_a_body_is_measured_across_chunks() -> None:
    text = b"short\r\n" + b"x" * 998 + b"\r\nend"
    for size in (1, 7, 998, 999, 1000, 5000):
        counter = LineCounter()
        for at in range(0, len(text), size):
            counter.feed(text[at : at + size])
        assert counter.longest == 998, size
    counter = LineCounter()
    counter.feed(b"x" * 600)
    counter.feed(b"x" * 399 + b"\r\n")
    assert counter.longest == 999
