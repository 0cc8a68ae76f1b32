"""Runs: packages, commands, units, the lock, the journal, interrupted runs and steps that could lock us out."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import threading
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.agent.core import launch, lockout, policy, run
from mailwiz_tui.agent.core.fault import AgentFault
from mailwiz_tui.agent.core.journal import Journal
from mailwiz_tui.agent.core.lock import RunLock, active_run
from mailwiz_tui.agent.core.state import State
from mailwiz_tui.agent.items import packages
from mailwiz_tui.agent.protocol.blueprint import AgentBlueprint
from mailwiz_tui.agent.protocol.journal import EndEvent, RunBegan
from mailwiz_tui.agent.protocol.runs import RunOptions
from mailwiz_tui.stack.blueprint import Command, File, Packages, Unit
from tests.unit.agent.conftest import Carry, Compare
from tests.unit.agent.rehearsal import Rehearsal, for_agent, step


def phases(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(e["id"], e["phase"]) for e in events if e["t"] == "step" and e["phase"] != "running"]


def test_missing_packages_are_installed_in_one_call_without_questions(machine: Rehearsal, carry: Carry) -> None:
    machine.touch("installed", "present ii \n")
    events = carry(for_agent(step(Packages(("present", "alpha", "beta"), ("alpha alpha/q string x",)))))
    assert phases(events) == [("one", "changed")]
    (install,) = [c for c in machine.calls() if c.startswith("apt-get") and " install " in c]
    assert install.endswith("install alpha beta")
    assert "--no-install-recommends" in install
    assert "--force-confold" in install
    assert (machine.root / "apt-environment").read_text() == "noninteractive 1\n"
    assert (machine.root / "debconf").read_text() == "alpha alpha/q string x\n"
    progress = [e for e in events if e["t"] == "progress"]
    assert progress[-1]["done"] == 100.0
    machine.forget_calls()
    assert phases(carry(for_agent(step(Packages(("present", "alpha", "beta")))))) == [("one", "ok")]
    assert machine.calls() == []


def test_services_are_held_back_during_the_installation_and_a_foreign_policy_survives(
    machine: Rehearsal, carry: Carry
) -> None:
    machine.path(policy.PATH).write_text("#!/bin/sh\n# the hoster's own\nexit 0\n")
    carry(for_agent(step(Packages(("alpha",)))))
    assert "policy present" in machine.calls()
    assert "hoster's own" in machine.path(policy.PATH).read_text()


def test_starts_are_held_back_and_stops_are_not(machine: Rehearsal) -> None:
    """A removed daemon must give its port back; what ran and was stopped for an upgrade starts again."""

    def asked(*words: str) -> int:
        return subprocess.run(
            [machine.path(policy.PATH), *words], env=machine.host.environment(), check=False
        ).returncode

    path = machine.path("/usr/bin/systemctl")
    path.write_text('#!/bin/sh\n[ "$3" = running ] && exit 0\nexit 3\n')
    with policy.held_back(machine.host):
        text = machine.path(policy.PATH).read_text()
        machine.path(policy.PATH).write_text(text.replace(policy.STOPPED, str(machine.path(policy.STOPPED))))
        assert [asked("new", action) for action in ("start", "(start)", "restart", "reload")] == [101] * 4
        assert [asked("new.service", "stop"), asked("new", "start")] == [0, 101]
        assert asked("--quiet", "running.service", "stop", "2") == 0
        assert asked("running", "start") == asked("running.service", "restart") == 0
    with policy.held_back(machine.host):
        assert not machine.path(policy.STOPPED).exists()


def test_failed_units_that_went_with_their_package_are_forgotten(machine: Rehearsal) -> None:
    path = machine.path("/usr/bin/systemctl")
    listed = "exim4-base.timer not-found failed failed exim4-base.timer\\nown.service loaded failed failed x\\n"
    path.write_text(
        f'#!/bin/sh\necho "systemctl $*" >>"$MAILWIZ_ROOT/calls"\n[ "$1" = list-units ] && printf "{listed}"\n'
    )
    packages.forget_gone_units(machine.host)
    assert [c for c in machine.calls() if "reset-failed" in c] == ["systemctl reset-failed -- exim4-base.timer"]


def test_the_policy_goes_when_apt_fails_and_a_forgotten_one_at_the_next_start(
    machine: Rehearsal, carry: Carry
) -> None:
    machine.touch("apt-fails", "E: Unmet dependencies\n")
    end = carry(for_agent(step(Packages(("alpha",)))))[-1]
    assert "Unmet dependencies" in end["what"]
    assert not machine.path(policy.PATH).exists()
    with policy.held_back(machine.host):
        left = machine.path(policy.PATH).read_text()
    machine.path(policy.PATH).write_text(left)
    carry(for_agent(step(File("/etc/a", ""))))
    assert not machine.path(policy.PATH).exists()


def test_a_held_apt_lock_is_waited_for_by_name_and_not_broken(machine: Rehearsal) -> None:
    path = machine.path("/var/lib/dpkg/lock-frontend")
    path.parent.mkdir(parents=True)
    path.touch()
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        handle = os.open(path, os.O_RDWR)
        fcntl.lockf(handle, fcntl.LOCK_EX)
        os.write(writer, b"x")
        threading.Event().wait(60)
    try:
        os.read(reader, 1)
        from mailwiz_tui.agent.items import apt_locks

        (reason,) = apt_locks.busy(machine.host)
        assert f"process {pid}" in reason
        assert "lock-frontend" in reason
        said: list[str] = []
        with pytest.raises(AgentFault, match="still busy"):
            apt_locks.wait(machine.host, said.append, timeout=0.0)
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
    assert apt_locks.busy(machine.host) == []


def test_a_lock_that_apt_itself_gives_up_on_is_tried_again(machine: Rehearsal, carry: Carry) -> None:
    machine.touch("apt-lock-once")
    assert phases(carry(for_agent(step(Packages(("alpha",)))))) == [("one", "changed")]


def test_an_interrupted_dpkg_is_finished_first(machine: Rehearsal, carry: Carry) -> None:
    machine.touch("audit", "The following packages are only half configured\n alpha\n")
    carry(for_agent(step(Packages(("beta",)))))
    calls = machine.calls()
    configure = next(i for i, c in enumerate(calls) if c.startswith("dpkg --configure -a"))
    repair = next(i for i, c in enumerate(calls) if c.endswith("-f install"))
    install = next(i for i, c in enumerate(calls) if c.endswith("install beta"))
    assert configure < repair < install


def test_apt_saying_yes_without_installing_is_a_failure(machine: Rehearsal, carry: Carry) -> None:
    machine.path("/usr/bin/apt-get").write_text("#!/bin/sh\nexit 0\n")
    end = carry(for_agent(step(Packages(("alpha",)))))[-1]
    assert end["state"] == "failed"
    assert "alpha is not installed" in end["what"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("dlstatus:1:50.0:Retrieving file 1 of 2", (10.0, "Retrieving file 1 of 2")),
        ("pmstatus:postfix:50:Configuring postfix (amd64)", (60.0, "Configuring postfix (amd64)")),
        ("pmstatus:x:nonsense:text", None),
        ("pmerror:x:50:broken", None),
        ("garbage", None),
    ],
)
def test_apt_status_lines(line: str, expected: tuple[float, str] | None) -> None:
    assert packages.parse_status(line) == expected


def test_a_command_runs_again_only_when_what_it_reads_changes(
    machine: Rehearsal, carry: Carry, compare: Compare
) -> None:
    def wanted(text: str) -> AgentBlueprint:
        log = f"echo x >>{machine.root}/ran"
        return for_agent(step(File("/etc/a", text), Command("c", ("sh", "-c", log), inputs=("/etc/a",))))

    carry(wanted("1"))
    assert compare(wanted("1")) == []
    carry(wanted("1"))
    assert (machine.root / "ran").read_text() == "x\n"
    assert [c["kind"] for c in compare(wanted("2"))] == ["file", "command"]
    carry(wanted("2"))
    assert (machine.root / "ran").read_text() == "x\nx\n"


def test_a_command_that_failed_is_run_again_though_its_inputs_are_the_same(
    machine: Rehearsal, carry: Carry
) -> None:
    switch = machine.touch("broken")
    wanted = for_agent(step(Command("c", ("sh", "-c", f"echo x >>{machine.root}/ran; test ! -e {switch}"))))
    assert carry(wanted)[-1]["state"] == "failed"
    switch.unlink()
    assert carry(wanted)[-1]["state"] == "done"
    assert (machine.root / "ran").read_text() == "x\nx\n"


def test_a_command_without_effect_is_a_failure_though_it_exits_0(machine: Rehearsal, carry: Carry) -> None:
    end = carry(for_agent(step(Command("c", ("true",), unless=("sh", "-c", "echo table missing; exit 1")))))[-1]
    assert end["state"] == "failed"
    assert "table missing" in end["what"]


def test_a_units_life_enable_start_restart_reload_stop(machine: Rehearsal, carry: Carry, compare: Compare) -> None:
    def wanted(a: str, b: str, **unit: Any) -> AgentBlueprint:
        reads = {"restart_on": ("/etc/a",), "reload_on": ("/etc/b",)}
        return for_agent(step(File("/etc/a", a), File("/etc/b", b), Unit("x.service", **{**reads, **unit})))

    carry(wanted("1", "1"))
    assert machine.calls() == ["systemctl enable x.service", "systemctl start x.service"]
    machine.forget_calls()
    carry(wanted("1", "1"))
    assert machine.calls() == []
    carry(wanted("1", "2"))
    assert machine.calls() == ["systemctl reload-or-restart x.service"]
    machine.forget_calls()
    assert [c["action"] for c in compare(wanted("2", "2")) if c["kind"] == "unit"] == ["restart"]
    carry(wanted("2", "3"))
    assert machine.calls() == ["systemctl restart x.service"], "a restart reads everything again"
    machine.forget_calls()
    carry(wanted("2", "3", running=False, enabled=False))
    assert machine.calls() == ["systemctl disable x.service", "systemctl stop x.service"]


def test_an_interrupted_run_still_restarts_what_its_files_belong_to(machine: Rehearsal, carry: Carry) -> None:
    def wanted(a: str) -> AgentBlueprint:
        return for_agent(step(File("/etc/a", a), Unit("x.service", restart_on=("/etc/a",))))

    carry(wanted("1"))
    machine.forget_calls()
    machine.path("/etc/a").write_text("2")  # as a run killed between the file and the restart leaves it
    carry(wanted("2"))
    assert machine.calls() == ["systemctl restart x.service"]


def test_a_unit_that_does_not_start_fails_with_its_last_words(machine: Rehearsal, carry: Carry) -> None:
    machine.touch("units/x.service.broken")
    events = carry(for_agent(step(Unit("x.service")), step(File("/etc/later", ""), name="two")))
    assert phases(events) == [("one", "failed"), ("two", "not-reached")]
    assert "the unit said why" in events[-1]["what"]
    assert events[-1]["step"] == "one"
    assert not machine.path("/etc/later").exists()


def test_a_unit_that_starts_and_then_crashes_fails_the_step_it_belongs_to(machine: Rehearsal, carry: Carry) -> None:
    machine.touch("units/x.service.crashes")  # from the third question on it tells of a restart
    events = carry(for_agent(step(Unit("x.service"), name="the-unit"), step(File("/etc/a", ""), name="after")))
    assert events[-1]["state"] == "failed"
    assert events[-1]["step"] == "the-unit"
    assert State(machine.host).unit("x.service") is None, "the next run starts it again"


def test_a_second_run_is_told_who_holds_the_lock(machine: Rehearsal, carry: Carry) -> None:
    with RunLock(machine.host, "other-run", "anna@desk", "c0ffee"):
        assert active_run(machine.host) == "other-run"
        end = carry(for_agent(step(File("/etc/a", ""))))[-1]
        answer = launch.start(machine.host, "another-run", for_agent(), RunOptions())
        status = launch.status(machine.host)
    assert "anna@desk" in end["what"]
    assert not answer.started
    assert (answer.run.run, answer.run.by, answer.run.controller) == ("other-run", "anna@desk", "c0ffee")
    assert 0.0 <= answer.run.age < 30.0
    assert (status.run.by, status.run.controller) == ("anna@desk", "c0ffee")
    assert status.run.age >= 0.0
    assert not machine.path("/etc/a").exists()
    assert active_run(machine.host) == ""


def test_the_journal_is_read_from_any_offset_and_only_in_whole_lines(machine: Rehearsal, carry: Carry) -> None:
    carry(for_agent(*(step(File(f"/etc/{n}", n), name=n) for n in "abc")))
    whole = list(launch.follow(machine.host, "run-001", 0))
    events = [e for chunk in whole if chunk for e in chunk.events]
    assert events[0]["t"] == "run"
    assert whole[-1] is not None
    assert whole[-1].state == "ended"
    content = Path(machine.host.state("runs/run-001/journal.jsonl")).read_bytes()
    offset = content.index(b"\n") + 1
    rest = [e for chunk in launch.follow(machine.host, "run-001", offset) if chunk for e in chunk.events]
    assert rest == events[1:]


def test_following_a_run_that_nobody_writes_any_more_says_interrupted(machine: Rehearsal) -> None:
    folder = Path(machine.host.state("runs/killed-run"))
    folder.mkdir()
    journal = Journal(str(folder / "journal.jsonl"))
    journal.write(RunBegan("killed-run"))
    with (folder / "journal.jsonl").open("a") as file:
        file.write('{"t": "log", "text": "half a li')
    chunks = [c for c in launch.follow(machine.host, "killed-run", 0) if c]
    assert [e["t"] for c in chunks for e in c.events] == ["run"]
    assert chunks[-1].state == "interrupted"
    assert launch.status(machine.host).state == "interrupted"


def test_a_log_without_end_is_capped_but_states_still_come(
    machine: Rehearsal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailwiz_tui.agent.core import journal as module

    monkeypatch.setattr(module, "MAX_LOG_BYTES", 2000)
    journal = Journal(str(tmp_path / "j"))
    for _ in range(1000):
        journal.log("\x1b[31mnoise\x1b[0m")
    journal.write(EndEvent("done"))
    lines = [json.loads(line) for line in (tmp_path / "j").read_text().splitlines()]
    assert len(lines) < 40
    assert lines[0]["text"] == "noise"
    assert "dropped" in lines[-2]["text"]
    assert lines[-1]["t"] == "end"


def test_a_run_that_is_asked_to_stop_ends_after_its_step_and_a_later_one_finishes(
    machine: Rehearsal, carry: Carry
) -> None:
    marker = f"for d in {machine.host.state('runs')}/*; do : > $d/stop; done"
    steps = (
        step(Command("c", ("sh", "-c", marker)), name="first"),
        step(File("/etc/b", "b"), name="second"),
        step(File("/etc/c", "c"), name="third"),
    )
    events = carry(for_agent(*steps))
    assert phases(events) == [("first", "changed"), ("second", "not-reached"), ("third", "not-reached")]
    assert events[-1]["state"] == "failed"
    assert "stopped after" in events[-1]["what"]
    assert events[-1]["changed"] is True
    assert not machine.path("/etc/b").exists()
    again = carry(for_agent(*steps[1:]))
    assert phases(again) == [("second", "changed"), ("third", "changed")]


def test_an_optional_step_is_left_out_where_asked_and_tried_again_by_the_next_run(
    machine: Rehearsal, carry: Carry, compare: Compare
) -> None:
    steps = (
        step(File("/etc/a", "a"), name="first"),
        step(Command("c", ("sh", "-c", f"test -e {machine.root}/mended")), name="extra", optional=True),
        step(File("/etc/b", "b"), name="last"),
    )
    events = carry(for_agent(*steps))
    assert [s["optional"] for s in events[0]["steps"]] == [False, True, False]
    assert phases(events) == [("first", "changed"), ("extra", "failed"), ("last", "not-reached")]
    events = carry(for_agent(*steps), skip=["extra"])
    assert phases(events) == [("first", "ok"), ("extra", "skipped"), ("last", "changed")]
    assert (events[-1]["state"], events[-1]["skipped"]) == ("done", ["extra"])
    assert [change["name"] for change in compare(for_agent(*steps))] == ["c"]
    machine.touch("mended")
    events = carry(for_agent(*steps))
    assert phases(events) == [("first", "ok"), ("extra", "changed"), ("last", "ok")]
    assert events[-1]["skipped"] == []


def test_a_step_that_others_build_on_is_never_left_out(machine: Rehearsal, carry: Carry) -> None:
    events = carry(for_agent(step(File("/etc/a", "a"), name="first")), skip=["first"])
    assert phases(events) == [("first", "changed")]


def test_stopping_a_run_that_is_not_there_is_refused(machine: Rehearsal, carry: Carry) -> None:
    carry(for_agent(step(File("/etc/a", ""))))
    (run_id,) = os.listdir(machine.host.state("runs"))
    assert run.stop_after_step(machine.host, run_id) is True
    assert os.path.exists(machine.host.state("runs", run_id, "stop"))
    assert run.stop_after_step(machine.host, "no-such-run") is False
    assert run.stop_after_step(machine.host, "../runs") is False


def test_old_runs_are_pruned(machine: Rehearsal, carry: Carry) -> None:
    for number in range(30):
        Path(machine.host.state(f"runs/old-{number:03d}")).mkdir()
    carry(for_agent(step(File("/etc/a", ""))))
    left = sorted(os.listdir(machine.host.state("runs")))
    assert len(left) == 20
    assert "run-001" in left
    assert "old-000" not in left


def lockout_blueprint(text: str) -> AgentBlueprint:
    return for_agent(
        step(File("/etc/fw", text), Unit("fw.service", reload_on=("/etc/fw",)), name="fw", lockout=True)
    )


def test_a_lockout_step_reverts_without_confirmation(machine: Rehearsal, carry: Carry, compare: Compare) -> None:
    machine.path("/etc/fw").write_text("as it was")
    events = carry(lockout_blueprint("cuts us off"), gate_seconds=0.3)
    assert events[-1]["state"] == "failed"
    assert "undone" in events[-1]["what"]
    assert machine.path("/etc/fw").read_text() == "as it was"
    assert lockout.outcome(machine.host, "run-001", "fw") == "reverted"
    assert "systemctl stop fw.service" in machine.calls()
    assert [c["kind"] for c in compare(lockout_blueprint("cuts us off"))] == ["file", "unit"]


def test_a_confirmed_lockout_step_stays_and_a_late_undo_does_nothing(machine: Rehearsal, carry: Carry) -> None:
    outcomes: list[str] = []

    def confirm() -> None:
        folder = Path(machine.host.state("runs/run-001"))
        while not (folder / "journal.jsonl").exists() or '"gate"' not in (folder / "journal.jsonl").read_text():
            threading.Event().wait(0.01)
        outcomes.append(lockout.confirm(machine.host, "run-001", "fw"))

    thread = threading.Thread(target=confirm)
    thread.start()
    events = carry(lockout_blueprint("lets us in"), gate_seconds=20)
    thread.join()
    assert outcomes == ["confirmed"]
    assert events[-1]["state"] == "done"
    assert lockout.undo(machine.host, "run-001", "fw") is False
    assert machine.path("/etc/fw").read_text() == "lets us in"


def test_a_lockout_step_with_nothing_to_do_asks_nobody(machine: Rehearsal, carry: Carry) -> None:
    machine.path("/etc/fw").write_text("same")
    wanted = for_agent(step(File("/etc/fw", "same"), name="fw", lockout=True))
    assert [e["t"] for e in carry(wanted) if e["t"] == "gate"] == []


def test_an_unexpected_error_ends_the_run_in_words(
    machine: Rehearsal, carry: Carry, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mailwiz_tui.agent.core import steps as module

    def crash(*args: Any) -> None:
        raise RuntimeError("boom")

    monkeypatch.setattr(module, "carry_out", crash)
    end = carry(for_agent(step(File("/etc/a", ""))))[-1]
    assert end["state"] == "failed"
    assert "RuntimeError: boom" in end["what"]
