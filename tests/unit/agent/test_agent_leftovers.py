"""What an earlier plan brought and this one does not want is stopped and taken away; nothing else is."""

from __future__ import annotations

from mailwiz_tui.agent.core.state import State
from mailwiz_tui.stack.blueprint import Command, File, Leftovers, Unit
from tests.unit.agent.conftest import Carry, Compare
from tests.unit.agent.rehearsal import Rehearsal, for_agent, step

OLD = step(File("/etc/old.conf", "old"), Unit("old.service", restart_on=("/etc/old.conf",)), name="old")
NEW = step(File("/etc/new.conf", "new"), Unit("new.service", restart_on=("/etc/new.conf",)), name="new")
END = step(Leftovers(), name="end")


def test_a_unit_no_longer_wanted_is_stopped_and_disabled_and_its_files_go_last(
    machine: Rehearsal, carry: Carry, compare: Compare
) -> None:
    carry(for_agent(OLD, END))
    machine.path("/etc/foreign.conf").write_text("somebody else's")
    machine.forget_calls()
    (change,) = [c for c in compare(for_agent(NEW, END)) if c["kind"] == "leftovers"]
    assert change["lines"] == ("-old.service", "-/etc/old.conf")
    assert machine.calls() == []
    events = carry(for_agent(NEW, END))
    assert events[-1]["state"] == "done"
    calls = machine.calls()
    assert calls.index("systemctl start new.service") < calls.index("systemctl stop old.service")
    assert "systemctl disable old.service" in calls
    assert not machine.path("/etc/old.conf").exists()
    assert machine.path("/etc/foreign.conf").exists()
    assert list(machine.path("/var/lib/mailwiz/backup").glob("*/etc/old.conf"))
    machine.forget_calls()
    assert compare(for_agent(NEW, END)) == []
    assert carry(for_agent(NEW, END))[-1]["changed"] is False
    assert machine.calls() == []


def test_what_comes_back_is_begun_anew(machine: Rehearsal, carry: Carry) -> None:
    again = step(
        *OLD.items,
        Command("old.make", ("sh", "-c", 'echo made >> "$MAILWIZ_ROOT/made"'), inputs=("/etc/old.conf",)),
        name="old",
    )
    for blueprint in (for_agent(again, END), for_agent(NEW, END), for_agent(again, END)):
        assert carry(blueprint)[-1]["state"] == "done"
    assert machine.path("/made").read_text().split() == ["made", "made"]
    assert machine.path("/etc/old.conf").read_text() == "old"
    assert "new.service" not in State(machine.host).names("units")


def test_a_file_that_a_wanted_unit_has_read_goes_in_its_step_and_the_unit_is_restarted(
    machine: Rehearsal, carry: Carry, compare: Compare
) -> None:
    unit = Unit("filter.service", reload_on=("/etc/filter.conf", "/etc/virus.conf"))
    both = step(File("/etc/filter.conf", "a"), File("/etc/virus.conf", "b"), unit, name="filter")
    one = step(File("/etc/filter.conf", "a"), Unit("filter.service", reload_on=("/etc/filter.conf",)),
               name="filter", validators=(("sh", "-c", 'test ! -e "$MAILWIZ_ROOT/etc/virus.conf"'),))  # fmt: skip
    carry(for_agent(both, END))
    machine.forget_calls()
    assert [(c["kind"], c["name"]) for c in compare(for_agent(one, END)) if c["kind"] == "absent"] == [
        ("absent", "/etc/virus.conf")
    ]
    events = carry(for_agent(one, END))
    assert events[-1]["state"] == "done"
    assert "systemctl restart filter.service" in machine.calls()
    assert carry(for_agent(one, END))[-1]["changed"] is False


def test_nothing_is_taken_away_while_what_takes_its_place_does_not_work(machine: Rehearsal, carry: Carry) -> None:
    carry(for_agent(OLD, END))
    machine.touch("units/new.service.broken")
    assert carry(for_agent(NEW, END))[-1]["state"] == "failed"
    assert machine.path("/etc/old.conf").exists()
    assert "systemctl stop old.service" not in machine.calls()


def test_sshd_reads_again_what_was_taken_from_it_and_is_never_stopped(machine: Rehearsal, carry: Carry) -> None:
    dropin = "/etc/ssh/sshd_config.d/10-mailwiz.conf"
    carry(for_agent(step(File(dropin, "Ciphers x"), Unit("ssh.service", reload_on=(dropin,)), name="ssh"), END))
    machine.forget_calls()
    assert carry(for_agent(NEW, END))[-1]["state"] == "done"
    assert not machine.path(dropin).exists()
    assert "systemctl try-reload-or-restart ssh.service" in machine.calls()
    assert not {"systemctl stop ssh.service", "systemctl disable ssh.service"} & set(machine.calls())
