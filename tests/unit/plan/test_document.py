"""The text of a plan file: one answer changes one line, and everything else stays to the byte."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailwiz_tui.plan.document import UnchangeableError, changed_text, comments_of, new_text
from mailwiz_tui.plan.raw_values import same
from mailwiz_tui.plan.toml import loses_comments, plan_text

TEXT = """\
# customer 17
architecture = "distributed"   # since May

[[servers]]
id = "a"  # first
roles = [ "mx-inbound",
   "antispam" ]   # two
internal_ip   =  '10.91.0.1'

# the second one
[[servers]]
id = "b"
roles = ["mail-storage"]

[domain]
primary_domain = 'e.com'

# what protects it
[security]
[security.tls]
provider = "selfsigned"
"""


def changed_lines(change: Callable[[dict[str, Any]], object], former: str = TEXT) -> list[str]:
    """The lines that a change takes out and puts in."""
    raw = tomllib.loads(former)
    change(raw)
    text = changed_text(former, raw)
    assert tomllib.loads(text) == raw
    diff = list(difflib.ndiff(former.splitlines(), text.splitlines()))
    return [line for line in diff if line[:1] in "+-" and line[2:].strip()]


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (lambda raw: None, []),
        (lambda raw: raw["domain"].update(hostname="m.e.com"), ['+ hostname = "m.e.com"']),
        (
            lambda raw: raw.update(architecture="single"),
            ['- architecture = "distributed"   # since May', '+ architecture = "single"   # since May'],
        ),
        (lambda raw: raw.update(version=1), ["+ version = 1"]),
        (lambda raw: raw.update(storage={"path": "/x"}), ["+ [storage]", '+ path = "/x"']),
        (
            lambda raw: raw["security"].update(dkim={"selector": "x"}),
            ["+ [security.dkim]", '+ selector = "x"'],
        ),
        (lambda raw: raw["servers"][1].update(internal_ip="10.91.0.2"), ['+ internal_ip = "10.91.0.2"']),
        (
            lambda raw: raw["servers"].append({"id": "c", "roles": ["mx-outbound"]}),
            ["+ [[servers]]", '+ id = "c"', '+ roles = ["mx-outbound"]'],
        ),
        (
            lambda raw: raw["servers"].pop(1),
            ["- # the second one", "- [[servers]]", '- id = "b"', '- roles = ["mail-storage"]'],
        ),
        (lambda raw: raw["security"]["tls"].pop("provider"), ['- provider = "selfsigned"']),
    ],
)
def test_one_change_changes_its_lines_only(change: Callable[[dict[str, Any]], object], lines: list[str]) -> None:
    assert changed_lines(change) == lines


def test_a_comment_stands_over_what_it_stood_over() -> None:
    raw = tomllib.loads(TEXT)
    raw["domain"]["hostname"] = "m.e.com"
    raw["servers"].append({"id": "c"})
    text = changed_text(TEXT, raw)
    assert "# what protects it\n[security]" in text
    assert '# the second one\n[[servers]]\nid = "b"' in text
    assert '\n\n[[servers]]\nid = "c"\n\n[domain]' in text


def test_the_first_of_two_servers_removed_leaves_the_comment_of_the_other() -> None:
    raw = tomllib.loads(TEXT)
    del raw["servers"][0]
    text = changed_text(TEXT, raw)
    assert "# the second one" in text
    assert loses_comments(TEXT, text)
    assert not loses_comments(text, text)


@pytest.mark.parametrize(
    "former",
    [
        "a = 1",
        "a = 1\r\n[domain]\r\nb = 2\r\n",
        "domain.x = 1\n",
        "domain = { x = 1 }\n",
        "servers = [ { id = 'a' } ]\n",
        "[security.tls]\na = 1\n[domain]\nb = 1\n[security.dkim]\nc = 1\n",
    ],
)
def test_layouts_of_every_kind_are_changed_to_what_was_meant(former: str) -> None:
    raw = tomllib.loads(former)
    raw["storage"] = {"path": "/data"}
    raw.setdefault("domain", {})["hostname"] = "m"
    raw.setdefault("security", {}).setdefault("tls", {})["provider"] = "custom"
    raw.setdefault("servers", []).append({"id": "z"})
    text = plan_text(raw, former)
    assert tomllib.loads(text) == raw
    assert ("\r\n" in former) == ("\r\n" in text)
    assert text.count("\n") == text.count("\r\n") or "\r\n" not in former


def test_a_text_that_is_no_toml_cannot_be_changed() -> None:
    with pytest.raises(UnchangeableError):
        changed_text("old", {})
    assert tomllib.loads(plan_text({"version": 1}, "old")) == {"version": 1}
    assert comments_of("old = # no value") == []


KEYS = st.sampled_from(["version", "servers", "domain", "security", "id", "name", "x y", "#"])
SCALARS = st.text(max_size=6) | st.booleans() | st.integers(-5, 99) | st.floats(allow_nan=False)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=8
)
PLANS = st.dictionaries(KEYS, VALUES, max_size=5)


@given(former=PLANS, values=PLANS)
@settings(deadline=None, max_examples=200)
def test_any_text_becomes_any_other(former: dict[str, Any], values: dict[str, Any]) -> None:
    text = plan_text(values, "# said first\n" + new_text(former))
    assert same(tomllib.loads(text), values)
