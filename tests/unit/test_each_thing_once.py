"""What is delicate is done in one place: terminal rules, writing files, asking the SSH client, cutting text."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import mailwiz_tui

PACKAGE = Path(mailwiz_tui.__file__).parent
ON_SERVERS = ("agent/", "stack/")
"""What runs on servers has the standard library only, and so its own writer."""


@pytest.mark.parametrize(
    ("what", "pattern", "place", "left_out"),
    [
        (
            "the escape sequences of terminals",
            r"compile\([^)]*x1b|_SEQUENCE\w* = re",
            "agent/protocol/clean.py",
            (),
        ),
        ("temporary files that replace others", r"\bmkstemp\(", "plan/files.py", ON_SERVERS),
        ("questions to ssh -G", r'"ssh", "-G"|program, "-G"', "fleet/ssh_client.py", ()),
        ("the folder of states", r'"XDG_STATE_HOME"', "plan/program_folders.py", ()),
        ("text cut to columns", r"set_cell_size\([^)]*- 1\) \+ \"…\"", "ui/terminal/text.py", ()),
    ],
)
def test_each_is_in_one_place(what: str, pattern: str, place: str, left_out: tuple[str, ...]) -> None:
    found = {
        name
        for path in PACKAGE.rglob("*.py")
        if not (name := path.relative_to(PACKAGE).as_posix()).startswith(left_out or ("-",))
        and re.search(pattern, path.read_text(encoding="utf-8"))
    }
    assert found == {place}, what
