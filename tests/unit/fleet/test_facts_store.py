"""Facts beside the plan: private, atomic, and never overwritten when they cannot be read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from mailwiz_tui.fleet.facts import DkimPublicKey, Facts, FactsFile, ServerRecord
from mailwiz_tui.fleet.facts_store import FactsError, facts_path_for, load_facts, save_facts

KNOWN = FactsFile(
    servers={
        "mx1": ServerRecord(
            facts=Facts(fqdn="mx1.example.com"), dkim=(DkimPublicKey(selector="s", public_key="p"),)
        )
    }
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = facts_path_for(tmp_path / "plan.toml")
    assert path.name == "plan.facts.json"
    assert load_facts(path) == FactsFile()
    save_facts(path, KNOWN)
    assert load_facts(path) == KNOWN
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not JSON"),
        ('{"version": 2, "servers": 5}', "newer mailwiz-tui"),
        ('{"servers": {"mx1": {"facts": {"cpus": "many"}}}}', "servers.mx1.facts.cpus"),
        ("[]", "is not a file of facts"),
        ("\x00", "is not JSON"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_and_kept(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "plan.facts.json"
    path.write_text(text)
    with pytest.raises(FactsError, match=words):
        load_facts(path)
    save_facts(path, KNOWN)
    save_facts(path, KNOWN)
    assert load_facts(path) == KNOWN
    assert [p.read_text() for p in tmp_path.glob("*.unreadable-*")] == [text]
