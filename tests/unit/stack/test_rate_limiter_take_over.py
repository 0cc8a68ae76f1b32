"""A server whose rate limiter is called mailwiz-guard: apply puts the new one in its place, counters and all."""

from __future__ import annotations

import sqlite3
import subprocess
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from mailwiz_tui.agent.core.state import State
from mailwiz_tui.agent.protocol.blueprint import AgentBlueprint, File, Leftovers, Ready, Step, Unit
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.rate_limiter.component import TAKEN_OVER
from mailwiz_tui.stack.rate_limiter.take_over import take_over
from tests.unit.agent.conftest import Carry, carry, machine
from tests.unit.agent.rehearsal import Rehearsal

from . import cases

__all__ = ["carry", "machine"]

OLD, NEW = "var/lib/mailwiz-guard/levels.sqlite", "var/lib/mailwiz-rate-limiter/levels.sqlite"
OWN = '{"limits": [[5, 5, 3600]]}'
OLD_STEP = Step(
    "guard",
    "Configure the rate limiter",
    "guard",
    (
        File("/etc/mailwiz/guard/settings.json", "{}"),
        File("/etc/systemd/system/mailwiz-guard.service", "[Service]"),
        Unit("mailwiz-guard.service", restart_on=("/etc/mailwiz/guard/settings.json",)),
    ),
)


def count(path: Path, level: float) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute(
            "CREATE TABLE IF NOT EXISTS level (account TEXT, bucket INTEGER, level REAL, at REAL,"
            " PRIMARY KEY (account, bucket))"
        )
        database.execute("REPLACE INTO level VALUES ('bob@example.com', 0, ?, 1000.0)", (level,))


def level(path: Path) -> float:
    with closing(sqlite3.connect(path)) as database:
        (found,) = database.execute("SELECT level FROM level WHERE account = 'bob@example.com'").fetchone()
        return float(found)


def installed_before(root: Path) -> None:
    """What the former version leaves, and the operator's own settings beside it."""
    for folder in (
        "var/lib/mailwiz-guard",
        "var/lib/mailwiz-rate-limiter",
        "etc/mailwiz/local.d",
        "etc/systemd/system/mailwiz-guard.service.d",
    ):
        (root / folder).mkdir(parents=True)
    count(root / OLD, 42.0)
    (root / "etc/mailwiz/local.d/guard.json").write_text(OWN)
    drop_ins = root / "etc/systemd/system/mailwiz-guard.service.d"
    (drop_ins / "override.conf").write_text("[Service]\nNice=5\n")
    (drop_ins / "mailwiz-restart.conf").write_text("[Unit]\n")


def nothing_left_to_do(root: Path) -> bool:
    here = TAKEN_OVER.replace(" /etc", f" {root}/etc").replace(" /var", f" {root}/var")
    return subprocess.run(["sh", "-c", here], check=False).returncode == 0


def test_counters_and_own_settings_are_carried_over_once(tmp_path: Path) -> None:
    installed_before(tmp_path)
    assert not nothing_left_to_do(tmp_path)
    assert len(take_over(tmp_path, owner=None)) == 3
    assert nothing_left_to_do(tmp_path)
    assert level(tmp_path / NEW) == level(tmp_path / OLD) == 42.0
    assert (tmp_path / "etc/mailwiz/local.d/rate-limiter.json").read_text() == OWN
    moved = tmp_path / "etc/systemd/system/mailwiz-rate-limiter.service.d"
    assert [path.name for path in moved.iterdir()] == ["override.conf"]

    count(tmp_path / OLD, 60.0)
    count(tmp_path / NEW, 45.0)
    assert take_over(tmp_path, owner=None) == []
    assert level(tmp_path / NEW) == 45.0, "nothing is counted twice"


def test_a_copy_that_was_broken_off_is_made_again_and_own_settings_are_never_written_over(tmp_path: Path) -> None:
    installed_before(tmp_path)
    (tmp_path / f"{NEW}.begun").write_bytes(b"half")
    (tmp_path / "etc/mailwiz/local.d/rate-limiter.json").write_text("{}")
    take_over(tmp_path, owner=None)
    assert level(tmp_path / NEW) == 42.0
    own = tmp_path / "etc/mailwiz/local.d"
    assert {path.name: path.read_text() for path in own.iterdir()} == {
        "rate-limiter.json": "{}",
        "rate-limiter.json.former": OWN,
    }
    assert nothing_left_to_do(tmp_path)


def test_on_a_bare_server_there_is_nothing_to_take_over(tmp_path: Path) -> None:
    assert nothing_left_to_do(tmp_path)
    assert take_over(tmp_path, owner=None) == []


def test_the_former_unit_is_stopped_when_the_new_one_works_and_a_second_run_changes_nothing(
    machine: Rehearsal, carry: Carry
) -> None:
    carry(AgentBlueprint("mx1", (OLD_STEP,)))
    assert machine.calls()[-1] == "systemctl start mailwiz-guard.service"
    machine.forget_calls()
    whole = compile_server(cases.plan(services={"antispam": "none"}), "mx1", cases.facts())
    steps = [step for step in whole.steps if step.component in ("rate_limiter", "leftovers")]
    # nothing listens on the rehearsed machine, and its files are not where a checker looks
    quiet = [replace(s, items=tuple(i for i in s.items if not isinstance(i, Ready)), validators=()) for s in steps]
    assert any(isinstance(item, Leftovers) for step in quiet for item in step.items)
    events = carry(AgentBlueprint("mx1", tuple(quiet)))
    assert events[-1]["state"] == "done", events[-1]
    started = machine.calls().index("systemctl start mailwiz-rate-limiter.service")
    assert machine.calls().index("systemctl stop mailwiz-guard.service") > started
    assert not machine.path("/etc/systemd/system/mailwiz-guard.service").exists()
    assert not machine.path("/etc/mailwiz/guard/settings.json").exists()
    assert State(machine.host).names("units") == ["mailwiz-rate-limiter.service"]

    machine.forget_calls()
    assert not carry(AgentBlueprint("mx1", tuple(quiet)))[-1]["changed"]
    assert [call for call in machine.calls() if "start" in call] == []
