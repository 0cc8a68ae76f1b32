"""A file that ends with the operator's own: for programs whose configuration knows no include."""

from __future__ import annotations

from mailwiz_tui.stack.blueprint import File, Unit
from tests.unit.agent.conftest import Carry, Compare
from tests.unit.agent.rehearsal import Rehearsal, for_agent, step

OWN = "/etc/own.cf"


def test_the_operators_file_follows_ours_and_a_second_run_changes_nothing(
    machine: Rehearsal, carry: Carry, compare: Compare
) -> None:
    wanted = for_agent(
        step(File("/etc/main.cf", "a = 1\n", append=OWN), Unit("mta.service", restart_on=("/etc/main.cf",)))
    )
    carry(wanted)
    assert machine.path("/etc/main.cf").read_text() == "a = 1\n"

    machine.path(OWN).write_text("a = 2")
    written, restarted = compare(wanted)
    assert "+a = 2" in written["lines"]
    assert restarted["action"] == "restart"
    carry(wanted)
    assert machine.path("/etc/main.cf").read_text() == f"a = 1\n\n# From {OWN}:\na = 2\n"
    assert compare(wanted) == []

    machine.path(OWN).unlink()
    carry(wanted)
    assert machine.path("/etc/main.cf").read_text() == "a = 1\n"
