"""Templates and their values fit, or it is said at once."""

from __future__ import annotations

import pytest

from mailwiz_tui.stack.render import TemplateError, fill, quoted, sql_text


def test_marks_are_filled_and_everything_else_is_left_alone() -> None:
    text = "a = $mydomain %{user} @postmaster {{secret:x}} @@NAME@@ postmaster@@@DOMAIN@@"
    filled = fill(text, "t", name="$1\\2", domain="example.com")
    assert filled == "a = $mydomain %{user} @postmaster {{secret:x}} $1\\2 postmaster@example.com"


def test_a_mark_without_a_value_is_an_error() -> None:
    with pytest.raises(TemplateError, match=r"t needs a value for OTHER"):
        fill("@@NAME@@ @@OTHER@@", "t", name="x")


def test_a_value_without_a_mark_is_an_error() -> None:
    with pytest.raises(TemplateError, match=r"t has no place for OTHER"):
        fill("@@NAME@@", "t", name="x", other="y")


def test_quotes_cannot_be_left() -> None:
    assert sql_text("o'b\\") == "'o''b\\\\'"
    assert quoted('a"b\\') == '"a\\"b\\\\"'
