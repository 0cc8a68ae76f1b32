"""What stays on servers between runs is read as versions before wrote it."""

from __future__ import annotations

import json
from pathlib import Path

from mailwiz_tui.agent.core import lockout
from mailwiz_tui.agent.core.state import State
from tests.unit.agent.rehearsal import Rehearsal

STORED = """{
 "commands": {"postfix.aliases": "c0"},
 "files": {"/etc/postfix/main.cf": "f0", "/etc/gone": 7},
 "installed_digest": "b0",
 "later": {"kept": [1, 2]},
 "units": {"postfix.service": {"/etc/postfix/main.cf": "u0"}, "bad.service": "x"},
 "validated": {"postfix": "v0"}
}
"""
SNAPSHOT = {
    "step": "firewall",
    "files": {
        "/etc/fw": {"content": "b2xk", "link": "", "mode": 384, "uid": 0, "gid": 0},
        "/etc/link": {"content": None, "link": "/etc/fw", "mode": 511, "uid": 0, "gid": 0},
        "/etc/new": None,
    },
    "units": {"fw.service": {"active": True, "enabled": False}},
    "commands": ["fw.load"],
    "nft": {"inet mailwiz": "table inet mailwiz {}"},
    "written": {"/etc/fw": "f1", "/etc/link": "", "/etc/new": ""},
}


def stored(machine: Rehearsal, text: str) -> State:
    Path(machine.host.state("state.json")).write_text(text)
    return State(machine.host)


def test_the_state_of_the_version_before_is_read(machine: Rehearsal) -> None:
    state = stored(machine, STORED)
    assert state.file("/etc/postfix/main.cf") == "f0"
    assert state.command("postfix.aliases") == "c0"
    assert state.unit("postfix.service") == {"/etc/postfix/main.cf": "u0"}
    assert state.validated("postfix") == "v0"
    assert state.installed_digest == "b0"


def test_what_has_another_form_was_never_done_and_what_is_not_known_stays(machine: Rehearsal) -> None:
    state = stored(machine, STORED)
    assert state.file("/etc/gone") == ""
    assert state.unit("bad.service") is None
    state.record("files", "/etc/x", "f1")
    again = json.loads(Path(machine.host.state("state.json")).read_text())
    assert again["later"] == {"kept": [1, 2]}
    assert again["files"] == {"/etc/postfix/main.cf": "f0", "/etc/x": "f1"}
    assert again["installed_digest"] == "b0"


def test_a_state_that_is_none_is_an_empty_one(machine: Rehearsal) -> None:
    for text in ("", "[]", '{"files": [], "units": null, "installed_digest": null}'):
        state = stored(machine, text)
        assert (state.names("files"), state.names("units"), state.installed_digest) == ([], [], "")


def test_a_snapshot_of_the_version_before_is_undone(machine: Rehearsal) -> None:
    machine.path("/etc/fw").write_text("new")
    machine.path("/etc/new").write_text("new")
    machine.touch("units/fw.service.enabled", "enabled")
    State(machine.host).record("commands", "fw.load", "c1")
    folder = Path(machine.host.state("runs", "run-001"))
    folder.mkdir(parents=True)
    (folder / "undo-firewall.json").write_text(json.dumps(SNAPSHOT))
    assert lockout.undo(machine.host, "run-001", "firewall")
    assert machine.path("/etc/fw").read_text() == "old"
    assert machine.path("/etc/link").readlink() == Path("/etc/fw")
    assert not machine.path("/etc/new").exists()
    state = State(machine.host)
    assert (state.file("/etc/fw"), state.command("fw.load")) == ("f1", "")
    assert {"systemctl disable fw.service", "systemctl reload-or-restart fw.service"} <= set(machine.calls())
