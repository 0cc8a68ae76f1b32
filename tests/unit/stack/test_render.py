"""Templates and their values fit, or it is said at once."""

from __future__ import annotations

import subprocess
import sys

import pytest

from mailwiz_tui.stack.render import TemplateError, fill, quoted, sql_text

# What the languages of the files write themselves, where it looks most like a template's delimiters.
FOREIGN = (
    "a = $mydomain ${mydomain} %{user} <%{user}> @postmaster @@sql_mode {{secret:x}} ${#list} [[ -e x ]] "
    'string.format("{%s}", x) "<{$address}>" {% {# %} #} <<EOF %w+ %i [=a=] =} :} ${x:=1} {2,3}\n'
)


def test_values_are_filled_and_everything_else_is_left_alone() -> None:
    filled = fill(FOREIGN + "{= name =} postmaster@{= domain =}\n", "t", name="$1\\2 {= x =}", domain="example.com")
    assert filled == FOREIGN + "$1\\2 {= x =} postmaster@example.com\n"


def test_a_line_of_a_statement_or_a_remark_leaves_nothing_behind() -> None:
    text = "a\n  {: if wanted :}\n  b\n  {: endif :}\n{:# why #:}\nc\n\n"
    assert fill(text, "t", wanted=True) == "a\n  b\nc\n\n"
    assert fill(text, "t", wanted=False) == "a\nc\n\n"


def test_a_name_without_a_value_is_an_error_even_where_it_is_not_reached() -> None:
    with pytest.raises(TemplateError, match=r"t needs a value for other"):
        fill("{= name =} {: if false :}{= other =}{: endif :}", "t", name="x")


def test_a_value_without_a_name_is_an_error() -> None:
    with pytest.raises(TemplateError, match=r"t has no place for other"):
        fill("{= name =}", "t", name="x", other="y")


def test_an_attribute_that_a_value_does_not_have_is_an_error() -> None:
    with pytest.raises(TemplateError, match=r"t: .* has no attribute 'host'"):
        fill("{= server.host =}", "t", server=object())


@pytest.mark.parametrize("value", [None, True, ["a"], 1.5])
def test_only_text_and_whole_numbers_are_printed(value: object) -> None:
    assert fill("{= size =}{= name =}", "t", size=50, name="M") == "50M"
    with pytest.raises(TemplateError, match=r"neither text nor a whole number"):
        fill("{= value =}", "t", value=value)


def test_a_fault_of_a_template_names_its_line() -> None:
    with pytest.raises(TemplateError, match=r"^t, line 2: "):
        fill("a\n{: if :}\n", "t")


def test_jinja2_is_loaded_with_the_first_template_only() -> None:
    program = "import sys, mailwiz_tui.stack.compile; print('jinja2' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_quotes_cannot_be_left() -> None:
    assert sql_text("o'b\\") == "'o''b\\\\'"
    assert quoted('a"b\\') == '"a\\"b\\\\"'
