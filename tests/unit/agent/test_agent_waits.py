"""Waiting for what another server provides: told while it lasts, and ended with a clear failure."""

from __future__ import annotations

import threading
import time

import pytest

from mailwiz_tui.agent.items import waits
from mailwiz_tui.stack.blueprint import File, Wait
from tests.unit.agent.conftest import Carry, Compare
from tests.unit.agent.rehearsal import Rehearsal, for_agent, step


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try again at once."""
    monkeypatch.setattr(waits, "PAUSE", 0.02)


def needs(machine: Rehearsal, limit: float = 30.0) -> Wait:
    place = machine.root / "provided"
    asked = f"echo 'ERROR 2002: cannot connect'; test -e {place}"
    return Wait("accounts database", "store1", ("sh", "-c", asked), limit)


def test_what_is_there_costs_nothing_and_is_not_told(machine: Rehearsal, carry: Carry, compare: Compare) -> None:
    (machine.root / "provided").touch()
    wanted = for_agent(step(File("/etc/a", "a"), needs(machine)))
    events = carry(wanted)
    assert events[-1]["state"] == "done"
    assert not [event for event in events if event["t"] == "wait"]
    assert compare(wanted) == []


def test_the_journal_says_what_is_waited_for_and_when_it_is_there(machine: Rehearsal, carry: Carry) -> None:
    def provide() -> None:
        time.sleep(0.3)
        (machine.root / "provided").touch()

    threading.Thread(target=provide, daemon=True).start()
    events = carry(for_agent(step(needs(machine)), step(File("/etc/b", "b"), name="two")))
    told = [(e["step"], e["server"], e["what"], e["over"]) for e in events if e["t"] == "wait"]
    assert told == [
        ("one", "store1", "accounts database", False),
        ("one", "store1", "accounts database", True),
    ]
    said = [event["text"] for event in events if event["t"] == "log"]
    assert said[0] == "waiting for store1: accounts database (ERROR 2002: cannot connect)"
    assert events[-1]["state"] == "done"
    assert machine.path("/etc/b").read_text() == "b"


def test_a_server_that_never_comes_ends_the_wait_in_words(machine: Rehearsal, carry: Carry) -> None:
    end = carry(for_agent(step(needs(machine, limit=0.1))))[-1]
    assert end["state"] == "failed"
    assert end["what"].startswith("store1 did not provide its accounts database within")
    assert "ERROR 2002" in end["what"]
    assert "apply again" in end["advice"]


def test_the_step_is_named_as_waiting_before_its_command_is_asked_again(machine: Rehearsal, carry: Carry) -> None:
    """A second run asks once where the other server has come meanwhile."""
    wanted = for_agent(step(needs(machine, limit=0.1)))
    assert carry(wanted)[-1]["state"] == "failed"
    (machine.root / "provided").touch()
    events = carry(wanted)
    assert events[-1]["state"] == "done"
    assert not [event for event in events if event["t"] == "wait"]
