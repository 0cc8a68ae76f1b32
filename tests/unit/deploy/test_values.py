"""Outcomes, diffs and estimates: the plain values the screens and the command line show."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.agent.protocol.runs import Change, StepDiff
from mailwiz_tui.deploy.diff import ServerDiff
from mailwiz_tui.deploy.events import ServerPhase
from mailwiz_tui.deploy.history import History
from mailwiz_tui.deploy.outcome import ServerOutcome
from mailwiz_tui.plan.program_folders import state_home


@pytest.mark.parametrize(
    ("outcome", "line"),
    [
        (ServerOutcome("mx1", ServerPhase.UNCHANGED), "mx1: no changes"),
        (ServerOutcome("mx1", ServerPhase.DONE, True, seconds=31.6), "mx1: installed in 32 s"),
        (
            ServerOutcome("mx1", ServerPhase.FAILED, True, "postfix", "bad line 3", "mend it"),
            "mx1: failed in step postfix: bad line 3 (mend it)",
        ),
        (ServerOutcome("mx1", ServerPhase.LOST, reason="no route"), "mx1: lost: no route"),
    ],
)
def test_an_outcome_is_one_line(outcome: ServerOutcome, line: str) -> None:
    assert outcome.line == line
    assert outcome.good is (outcome.state in (ServerPhase.DONE, ServerPhase.UNCHANGED))


def test_a_diff_from_a_hostile_server_is_clean() -> None:
    evil = "\x1b]0;x\x07\x1b[2J"
    change = Change("file", f"/etc/a{evil}", "write", (f"+b{evil}",), f"c{evil}")
    diff = ServerDiff.of("mx1", [StepDiff(f"s{evil}", f"S{evil}", (change,))])
    assert diff.lines() == ["== S", "write file /etc/a (c)", "+b"]
    assert diff.files == ("/etc/a",)


def test_estimates_span_the_earlier_durations_and_survive_a_broken_file(tmp_path: Path) -> None:
    path = tmp_path / "state" / "durations.json"
    history = History(path)
    assert history.span("packages") is None
    for seconds in (30.0, 20.0, 90.0):
        history.record("packages", seconds)
    history.save()
    assert History(path).span("packages") == (20.0, 90.0)
    path.write_text("{broken")
    assert History(path).span("packages") is None
    for number in range(40):
        history.record("packages", number)
    assert history.span("packages") == (33.0, 39.0)


def test_the_state_folder_follows_the_xdg_specification(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    assert state_home() == tmp_path / "mailwiz-tui"
    monkeypatch.setenv("XDG_STATE_HOME", "relative/is/ignored")
    assert state_home() == Path.home() / ".local" / "state" / "mailwiz-tui"
