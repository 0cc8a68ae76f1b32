"""The program's language, as far as a machine can check it: plain sentences, one name for one thing, short titles.

A phrase is refused in every string literal, docstring and comment of the package and in both READMEs, an old name
in every identifier and module name.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

import mailwiz_tui

PACKAGE = Path(mailwiz_tui.__file__).parent
READMES = (PACKAGE.parent / "README.md", PACKAGE / "README.md")
LONGEST_TITLE = 34
"""Columns of a step's title in the dashboard at 80 columns."""


@dataclass(frozen=True)
class Phrase:
    """A phrase that is refused: its pattern, what to write instead, and a sentence that must be found."""

    pattern: str
    instead: str
    example: str

    def found_in(self, text: str) -> bool:
        """Whether a text uses the phrase, in capitals or across a line end, too."""
        return re.search(self.pattern, " ".join(text.split()), re.IGNORECASE) is not None


PHRASES = (
    Phrase(r"\bput(s|ting)? off\b", "defer (4xx)", "The message is put off."),
    Phrase(r"\b(giv(e|es|en|ing)|gave) back\b", "bounce; return", "It is given\nback to its sender."),
    Phrase(r"\bpass(es|ed|ing)? over\b", "skip; ignore", "Unknown keys are passed over."),
    Phrase(r"\bwhom to ask\b", "the servers to query", "Whom to ask. Else empty."),
    Phrase(r"\bfor nobody\b", "the reason as a sentence: the rate limiter is down", "For nobody counts it"),
    Phrase(r"\ball else\b(?! stays?\b| stay\b)", "name the others", "All else points to this name"),
    Phrase(r"\bwho guess(es)?\b", "clients that guess", "Who guesses passwords is not locked out"),
    Phrase(r"\b(says?|said|tells?|told) of\b", "describe; report", "What systemd says of a unit"),
    Phrase(r"\bworth (knowing|a word)\b", "a warning; a remark", "One thing is worth knowing"),
    Phrase(r"\bcome(s)? later\b", "defer (4xx)", "5 told to come later"),
    Phrase(r"\bfault of its own\b", "internal error", "stopped by a fault of its own"),
    Phrase(r"\bthe filter's memory\b", "Redis (Rspamd's statistics)", "Configure the filter's memory"),
    Phrase(r"\bvisitors?\b", "client; browser session", "A visitor asks for a page"),
    Phrase(r"(?<!/)\bcouriers?\b(?!-)", "SMTP route", "The courier brings it"),
    Phrase(r"\bsalvag\w*", "partial plan", "What was salvaged of the plan"),
    Phrase(r"\b(he|him|his|himself|she|her|herself)\b", "the operator; they", "The operator keeps his line"),
    Phrase(
        r"\b(whence|whither|hitherto|thereof|wherefore|hence|lest|albeit|nought|amiss)\b",
        "plain words",
        "Lest it stops",
    ),
    Phrase(r"^see the log\W*$", "which log, and what to look for", "see the log"),
)

OLD_NAMES = {
    "courier": "smtp_route",
    "visitor": "browser_session",
    "trouble": "alert, problem",
    "salvage": "partial_plan",
    "salvaged": "partial_plan",
    "parted": "removed_servers",
    "barred": "forbidden_reason",
    "unwise": "discouraged_reason",
    "accountdesk": "account_ops",
    "movedesk": "move_ops",
    "desk": "accounts",
    "farewell": "mailbox_removed",
    "stone": "tombstone",
    "storehome": "mailbox_home",
    "mailsoft": "mail_packages",
    "telling": "error_lines",
    "witness": "dkim_verifier",
    "mailmove": "mailbox_move",
}
"""Words that names must not contain, with the present name."""
OLD_MODULES = {
    "former": "stale_records",
    "guard": "rate_limiter",
    "marks": "visited_steps",
    "places": "storage_names, account_copies, backup_servers",
    "side_by_side": "gather",
}
"""Names that only modules must not have: other meanings of these words are right."""
OLD_WHOLE_NAMES = {"Weight": "Severity", "shown_by": "certificate_consumer", "accounts_welcome": "mailbox_created"}
STAYING_NAMES = {
    "_read_parted": "reads a key of facts files that the version before wrote",
    "telling_packages": "the packages of a component that the review names",
    "witness": "a key of the plan file: the server of a cluster that votes and has no mail",
}
"""Names that contain an old word, with the reason why they stay."""


@dataclass(frozen=True)
class Text:
    """A text with its place, as ``file:line``."""

    place: str
    text: str


@cache
def sources() -> tuple[tuple[str, str], ...]:
    """Name and text of every module of the package."""
    paths = sorted(PACKAGE.rglob("*.py"))
    return tuple((path.relative_to(PACKAGE).as_posix(), path.read_text(encoding="utf-8")) for path in paths)


@cache
def texts() -> tuple[Text, ...]:
    """Every text of the package: literals, docstrings, comments, and the paragraphs of the READMEs."""
    found = [text for name, source in sources() for text in texts_of(name, source)]
    for readme in READMES:
        paragraphs = readme.read_text(encoding="utf-8").split("\n\n")
        found += [Text(f"{readme.parent.name}/{readme.name}", paragraph) for paragraph in paragraphs]
    return tuple(found)


def texts_of(name: str, source: str) -> Iterator[Text]:
    """The literals, docstrings and comments of a module; an f-string is one text with gaps."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield Text(f"{name}:{node.lineno}", node.value)
        elif isinstance(node, ast.JoinedStr):
            parts = (part.value if isinstance(part, ast.Constant) else "…" for part in node.values)
            yield Text(f"{name}:{node.lineno}", "".join(map(str, parts)))
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield Text(f"{name}:{token.start[0]}", token.string)


def names_of(source: str) -> Iterator[str]:
    """The identifiers of a module."""
    for node in ast.walk(ast.parse(source)):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                yield name
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.keyword(arg=str(name)) | ast.alias(asname=str(name)):
                yield name


def old_words(name: str) -> list[str]:
    """The old words in a name: ``FormerDesk`` and ``former_desk`` have the word ``desk``."""
    if name in STAYING_NAMES:
        return []
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower().split("_")
    return [word for word in words if word in OLD_NAMES]


@pytest.mark.parametrize("phrase", PHRASES, ids=lambda phrase: phrase.example)
def test_no_text_uses_a_phrase_that_must_be_read_twice(phrase: Phrase) -> None:
    assert phrase.found_in(phrase.example), "the pattern finds what it is for"
    found = [f"{text.place}: {' '.join(text.text.split())[:120]}" for text in texts() if phrase.found_in(text.text)]
    assert found == [], f"write instead: {phrase.instead}"


def test_no_name_is_an_old_one() -> None:
    found = {
        f"{module}: {name}"
        for module, source in sources()
        for name in names_of(source)
        if old_words(name) or name in OLD_WHOLE_NAMES
    }
    assert found == set()


def test_no_module_has_an_old_name() -> None:
    names = [name for name, _ in sources()]
    stems = {name: Path(name).stem for name in names} | {f"{Path(n).parent}/": Path(n).parent.name for n in names}
    assert [place for place, stem in stems.items() if stem in OLD_MODULES or old_words(stem)] == []
    assert [place for place, stem in stems.items() if not re.fullmatch(r"[a-z0-9_]*", stem)] == []


def test_the_titles_of_steps_fit_into_80_columns() -> None:
    """Also of steps that no plan of the other tests has."""
    titles = [
        (f"{name}:{node.value.lineno}", str(node.value.value))
        for name, source in sources()
        if name.startswith("stack/")
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.keyword) and node.arg == "title" and isinstance(node.value, ast.Constant)
    ]
    assert titles
    assert [title for title in titles if len(title[1]) > LONGEST_TITLE] == []


def test_what_it_refuses_it_finds() -> None:
    source = '"""Mail is put\noff."""\n# salvaged\nclass MoveDesk: ...\nx.barred = f"given {x} back, given back"\n'
    said = [text.text for text in texts_of("m.py", source)]
    refused = {phrase.instead for phrase in PHRASES for text in said if phrase.found_in(text)}
    assert refused == {"defer (4xx)", "partial plan", "bounce; return"}
    assert [word for name in names_of(source) for word in old_words(name)] == ["desk", "barred"]
