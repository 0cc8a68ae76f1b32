"""Following a backup and a restore: each by its own words, to its end, even where a backup follows at once."""

from __future__ import annotations

import json

import pytest

from mailwiz_tui.agent.backup import backup
from mailwiz_tui.agent.core.fault import AgentFault
from tests.unit.agent.rehearsal import Rehearsal


def says(machine: Rehearsal, unit: str, *events: dict[str, str]) -> None:
    path = machine.path(backup.PROGRESS[unit])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(event) + "\n" for event in events))


def test_a_restore_is_followed_to_its_own_end(machine: Rehearsal) -> None:
    says(machine, backup.RESTORE, {"event": "step", "text": "Fetch"}, {"event": "done", "text": "back"})
    says(machine, backup.BACKUP, {"event": "step", "text": "another"})
    found = [item for item in backup.follow(machine.host, backup.RESTORE) if item]
    assert [item.event for item in found] == ["step", "done"]


def test_one_that_dies_without_a_word_is_told_as_failed(
    machine: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    says(machine, backup.BACKUP, {"event": "step", "text": "Copy"})
    monkeypatch.setattr(backup, "_running", lambda host, unit: False)
    monkeypatch.setattr("mailwiz_tui.agent.backup.backup.time.monotonic", iter(range(0, 1000, 3)).__next__)
    last = [item for item in backup.follow(machine.host, backup.BACKUP) if item][-1]
    assert last.event == "failed"
    assert backup.BACKUP in last.advice


def test_nothing_else_is_followed_or_started(machine: Rehearsal) -> None:
    with pytest.raises(AgentFault):
        list(backup.follow(machine.host, "ssh.service"))
    with pytest.raises(AgentFault, match="is configured"):
        backup.start(machine.host)


@pytest.mark.parametrize("key", ["", "two\nlines", "ümlaut"])
def test_a_recovery_key_is_one_plain_line(machine: Rehearsal, key: str) -> None:
    program = machine.path(backup.PROGRAM)
    program.parent.mkdir(parents=True)
    program.touch()
    with pytest.raises(AgentFault, match="one line"):
        backup.unlock(machine.host, key)
