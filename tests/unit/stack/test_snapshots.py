"""How golden files keep texts: whole, or as a difference that a change of both texts leaves alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from . import snapshots
from .snapshots import NOTHING, compare, stored

PLAIN = "=== step x: X\n--- file /a root\n" + "".join(f"setting{n} = {n}\n" for n in range(9)) + "port = 25\n"


def test_a_difference_says_which_file_it_is_in() -> None:
    kept = stored(PLAIN.replace("port = 25", "port = 26"), PLAIN)
    assert kept == {".diff": "@@ file /a @@\n setting7 = 7\n setting8 = 8\n-port = 25\n+port = 26\n \n"}


def test_a_setting_that_changes_in_both_changes_no_difference() -> None:
    changed = PLAIN.replace("setting2 = 2", "setting2 = 3\nmore = 1")
    assert stored(changed.replace("25", "26"), changed) == stored(PLAIN.replace("25", "26"), PLAIN)


def test_what_is_kept_is_the_shortest() -> None:
    assert stored(PLAIN, "") == {".txt": PLAIN}
    assert stored(PLAIN, PLAIN) == {}
    assert stored("", PLAIN) == {".diff": NOTHING}
    assert stored("other = 1\n", PLAIN) == {".txt": "other = 1\n"}


def test_a_text_that_is_not_the_kept_one_fails_and_is_written_when_that_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshots, "GOLDEN", tmp_path)
    monkeypatch.setenv("UPDATE_GOLDEN", "1")
    compare("one/x", PLAIN)
    monkeypatch.delenv("UPDATE_GOLDEN")
    compare("one/x", PLAIN)
    compare("two/x", PLAIN, PLAIN)
    with pytest.raises(pytest.fail.Exception, match="-port = 25\n\\+port = 27"):
        compare("one/x", PLAIN.replace("25", "27"))
    with pytest.raises(pytest.fail.Exception):
        compare("two/x", PLAIN.replace("25", "27"), PLAIN)
    monkeypatch.setenv("UPDATE_GOLDEN", "1")
    compare("one/x", "short\n", PLAIN)
    assert [path.name for path in (tmp_path / "one").iterdir()] == ["x.txt"]
    assert not (tmp_path / "two").exists()
