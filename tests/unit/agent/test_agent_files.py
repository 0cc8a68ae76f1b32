"""Files: written only if they differ, atomically, with backups; validators guard them; secrets stay hidden."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwiz_tui.agent.core import files
from mailwiz_tui.agent.core.fault import AgentFault
from mailwiz_tui.stack.blueprint import Absent, Command, Directory, File
from tests.unit.agent.conftest import Carry, Compare
from tests.unit.agent.rehearsal import Rehearsal, for_agent, step


def ended(events: list[dict[str, Any]]) -> dict[str, Any]:
    assert events[-1]["t"] == "end"
    return events[-1]


def test_a_file_is_written_with_its_mode_and_a_second_run_changes_nothing(
    machine: Rehearsal, carry: Carry, compare: Compare
) -> None:
    wanted = for_agent(step(Directory("/etc/x", mode=0o750), File("/etc/x/a.conf", "a = 1\n", mode=0o640)))
    assert [c["action"] for c in compare(wanted)] == ["create", "create"]
    assert ended(carry(wanted))["changed"] is True
    path = machine.path("/etc/x/a.conf")
    assert path.read_text() == "a = 1\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o750
    before = path.stat()
    assert compare(wanted) == []
    assert ended(carry(wanted))["changed"] is False
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_ino == before.st_ino


def test_parents_can_be_passed_whatever_the_umask(machine: Rehearsal, carry: Carry, compare: Compare) -> None:
    former = os.umask(0o077)
    try:
        carry(
            for_agent(
                step(Directory("/srv/mail/boxes", mode=0o750), File("/etc/rspamd/lua.local.d/own.lua", "x\n"))
            )
        )
    finally:
        os.umask(former)
    assert stat.S_IMODE(machine.path("/etc/rspamd/lua.local.d").stat().st_mode) == 0o755
    assert stat.S_IMODE(machine.path("/srv/mail").stat().st_mode) == 0o755
    assert stat.S_IMODE(machine.path("/srv/mail/boxes").stat().st_mode) == 0o750


def test_a_changed_mode_alone_is_put_right(machine: Rehearsal, carry: Carry, compare: Compare) -> None:
    wanted = for_agent(step(File("/etc/a.conf", "x\n", mode=0o600)))
    carry(wanted)
    machine.path("/etc/a.conf").chmod(0o666)
    assert [c["action"] for c in compare(wanted)] == ["own"]
    carry(wanted)
    assert stat.S_IMODE(machine.path("/etc/a.conf").stat().st_mode) == 0o600


def test_a_foreign_file_is_kept_as_a_backup_and_named_in_the_journal(machine: Rehearsal, carry: Carry) -> None:
    machine.path("/etc/a.conf").write_text("somebody else's\n")
    events = carry(for_agent(step(File("/etc/a.conf", "ours\n"))))
    kept = Path(machine.host.state("backup", "run-001", "etc/a.conf"))
    assert kept.read_text() == "somebody else's\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert any("was not written by mailwiz" in e["text"] for e in events if e["t"] == "log")


def test_a_file_changed_by_hand_is_reported_backed_up_and_written_again(
    machine: Rehearsal, carry: Carry, compare: Compare
) -> None:
    wanted = for_agent(step(File("/etc/a.conf", "ours\n")))
    carry(wanted)
    machine.path("/etc/a.conf").write_text("ours\nand mine\n")
    (change,) = compare(wanted)
    assert "changed by hand" in change["note"]
    assert "-and mine" in change["lines"]
    carry(wanted)
    assert machine.path("/etc/a.conf").read_text() == "ours\n"
    assert "and mine" in Path(machine.host.state("backup", "run-002", "etc/a.conf")).read_text()


def test_a_symbolic_link_is_replaced_not_followed(machine: Rehearsal, carry: Carry) -> None:
    target = machine.path("/etc/target")
    target.write_text("untouched\n")
    os.symlink(target, machine.path("/etc/a.conf"))
    carry(for_agent(step(File("/etc/a.conf", "ours\n"))))
    assert not machine.path("/etc/a.conf").is_symlink()
    assert target.read_text() == "untouched\n"


def test_what_a_validator_refuses_is_put_back_and_nothing_is_run(machine: Rehearsal, carry: Carry) -> None:
    machine.path("/etc/a.conf").write_text("old\n")
    machine.path("/etc/gone.conf").write_text("was there\n")
    checker = ("sh", "-c", "echo 'fatal: line 3 is bad'; exit 1")
    events = carry(
        for_agent(
            step(
                File("/etc/a.conf", "new\n"),
                File("/etc/new.conf", "new\n"),
                Absent("/etc/gone.conf"),
                Command("never", ("sh", "-c", f"touch {machine.root}/ran")),
                validators=(checker,),
            )
        )
    )
    assert machine.path("/etc/a.conf").read_text() == "old\n"
    assert machine.path("/etc/gone.conf").read_text() == "was there\n"
    assert not machine.path("/etc/new.conf").exists()
    assert not (machine.root / "ran").exists()
    end = ended(events)
    assert end["state"] == "failed"
    assert "line 3 is bad" in end["what"]
    assert "restored" in end["advice"]


def test_files_left_unvalidated_by_a_killed_run_are_validated_by_the_next(
    machine: Rehearsal, carry: Carry, compare: Compare
) -> None:
    good = machine.touch("good", "")
    checker = ("test", "-e", str(good))
    wanted = for_agent(step(File("/etc/a.conf", "new\n"), validators=(checker,)))
    machine.path("/etc/a.conf").write_text("new\n")
    good.unlink()
    assert [c["kind"] for c in compare(wanted)] == ["validate"]
    assert ended(carry(wanted))["state"] == "failed"
    good.touch()
    assert ended(carry(wanted))["state"] == "done"
    assert compare(wanted) == []


def test_secrets_are_made_once_and_never_shown(machine: Rehearsal, carry: Carry, compare: Compare) -> None:
    wanted = for_agent(step(File("/etc/a.conf", "pw = {{secret:db}}\n", mode=0o600)), secrets=("db",))
    shown = json.dumps(compare(wanted))
    assert "●●●" in json.dumps(compare(wanted), ensure_ascii=False)
    assert not Path(machine.host.state("secrets", "db")).exists(), "a dry run makes no secret"
    carry(wanted)
    secret = Path(machine.host.state("secrets", "db"))
    value = secret.read_text().strip()
    assert len(value) == 20
    assert stat.S_IMODE(secret.stat().st_mode) == 0o600
    assert machine.path("/etc/a.conf").read_text() == f"pw = {value}\n"
    machine.path("/etc/a.conf").write_text(f"pw = {value}\npw2 = older-secret\n")
    shown = json.dumps(compare(wanted), ensure_ascii=False)
    assert value not in shown
    assert "older-secret" not in shown
    events = carry(wanted)
    assert secret.read_text().strip() == value
    assert value not in json.dumps(events)


def test_a_secret_printed_by_a_command_is_masked_in_the_journal(machine: Rehearsal, carry: Carry) -> None:
    wanted = for_agent(
        step(
            File("/etc/a.conf", "{{secret:db}}", mode=0o600),
            Command("talks", ("cat", str(machine.path("/etc/a.conf")))),
            Command("fails", ("sh", "-c", f"cat {machine.path('/etc/a.conf')}; exit 3")),
        ),
        secrets=("db",),
    )
    events = carry(wanted)
    value = Path(machine.host.state("secrets", "db")).read_text().strip()
    assert value not in json.dumps(events)
    assert ended(events)["state"] == "failed"


def test_an_undeclared_secret_is_a_fault_not_an_empty_value(machine: Rehearsal, carry: Carry) -> None:
    end = ended(carry(for_agent(step(File("/etc/a.conf", "{{secret:nobody}}")))))
    assert "nobody" in end["what"]
    assert not machine.path("/etc/a.conf").exists()


def test_a_failed_write_leaves_the_old_file_and_no_temporary(
    machine: Rehearsal, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.path("/etc/a.conf").write_text("old")

    def refuse(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("mailwiz_tui.agent.core.files.os.rename", refuse)
    with pytest.raises(AgentFault, match="No space left"):
        files.write(machine.host, "/etc/a.conf", b"new", 0o644)
    assert machine.path("/etc/a.conf").read_text() == "old"
    assert [p.name for p in machine.path("/etc").iterdir() if "mailwiz" in p.name] == []


@given(content=st.binary(max_size=3000), mode=st.sampled_from([0o600, 0o640, 0o644, 0o755]))
def test_what_is_written_is_what_is_found(
    content: bytes, mode: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    machine = Rehearsal(tmp_path_factory.mktemp("m") / "root")
    files.write(machine.host, "/etc/deep/er/file", content, mode)
    found = files.look(machine.host, "/etc/deep/er/file")
    assert found is not None
    assert (found.content, found.mode) == (content, mode)
