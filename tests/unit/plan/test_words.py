"""Numbers in sentences: counted by one helper, so that nothing says "1 mailboxes"."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import mailwiz_tui
from mailwiz_tui.plan.words import counted, listed, many, span_text

HOUSE = Path(mailwiz_tui.__file__).parent
COUNTED = (
    "account", "address", "alias", "check", "copy", "day", "domain", "file", "host", "line", "mailbox", "message",
    "package", "record", "server", "step", "warning",
)  # fmt: skip
NOUNS = {many(noun) for noun in COUNTED}
ON_SERVERS = ("agent", "stack")
"""These run on servers or describe them; they cannot use the helper, or always count several."""


def by_hand(path: Path) -> list[str]:
    """Sentences of a module that put a number before a plural themselves."""
    found = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, after in zip(node.values, node.values[1:], strict=False):
            if not (isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant)):
                continue
            words = str(after.value).split()
            if isinstance(value.value, ast.Name) and value.value.id.isupper():
                continue  # a limit, always many
            if str(after.value).startswith(" ") and words and words[0].strip(".,;:)") in NOUNS:
                found.append(f"{path.relative_to(HOUSE)}:{node.lineno}: {words[0]}")
    return found


def test_one_is_singular_and_everything_else_plural() -> None:
    assert [counted(n, "mailbox") for n in (0, 1, 2)] == ["0 mailboxes", "1 mailbox", "2 mailboxes"]
    assert counted(2, "mail server") == "2 mail servers"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((), ""),
        (("a",), "a"),
        (("a", "b"), "a and b"),
        (("a", "b", "c"), "a, b and c"),
        ("abcd", "a, b and 2 more"),
    ],
)
def test_lists_read_like_sentences(words: str, said: str) -> None:
    assert listed(words, 3) == said


@pytest.mark.parametrize(
    ("seconds", "said"), [(40.9, "40 s"), (720, "12 min"), (7199, "119 min"), (10_800, "3 h"), (345_600, "4 d")]
)
def test_a_time_has_its_largest_unit(seconds: float, said: str) -> None:
    assert span_text(seconds) == said


def test_no_sentence_counts_by_hand() -> None:
    modules = [p for p in HOUSE.rglob("*.py") if not str(p.relative_to(HOUSE)).startswith(ON_SERVERS)]
    assert [told for path in modules for told in by_hand(path)] == []
