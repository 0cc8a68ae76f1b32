"""``mailwiz-tui drill``: what it refuses, what it asks, its report and exit codes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mailwiz_tui.cli import build_parser
from mailwiz_tui.commands import drill as command
from mailwiz_tui.commands.workspace import Workspace
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.fleet.server import Inventory
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.verify.drill import run
from mailwiz_tui.verify.drill.count import Counts
from mailwiz_tui.verify.drill.options import DrillOptions
from mailwiz_tui.verify.drill.report import Report
from tests.doubles import EngineDouble
from tests.unit.stack import cases


class Engine(EngineDouble):
    """An engine that is only closed."""

    async def close(self) -> None:
        """All is closed."""


class Opened(Workspace):
    """A workspace whose engine reaches nobody."""

    def engine(self, options: argparse.Namespace) -> EngineApi:
        return Engine(self.plan)


def report(*problems: str, interrupted: bool = False) -> Report:
    """A report of a drill without phases."""
    counts = Counts(sent=3, accepted=3, delivered=3)
    return Report(
        "mail.example.com", "2026-12-01T12:00:00+0000", 5, 20, interrupted, True, problems, (), counts, (), ()
    )


Call = Callable[..., int]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Call:
    """Runs the command in an empty folder, with a drill that gives this report."""
    monkeypatch.chdir(tmp_path)

    def carry_out(*arguments: str, found: Report | None = None, plan: Plan | None = None) -> int:
        opened = Opened(Path("plan.toml"), plan or cases.cluster(), Inventory(), FactsFile(), ())
        monkeypatch.setattr(command, "open_workspace", lambda options: opened)

        async def active_server(engine: EngineApi) -> str:
            return "n1"

        async def drill(engine: EngineApi, options: DrillOptions, say: Callable[[str], None]) -> Report:
            say(f"{options.rate:g} messages/s")
            return found or report()

        monkeypatch.setattr(run, "active_server", active_server)
        monkeypatch.setattr(run, "drill", drill)
        return command.run(build_parser().parse_args(["drill", "plan.toml", *arguments]))

    return carry_out


def test_a_plan_whose_mailboxes_stay_is_refused(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--yes", plan=cases.distributed()) == 2
    assert "a drill needs a cluster: in this plan each mailbox stays on its server" in capsys.readouterr().err


def test_a_drill_that_passed_writes_its_report_and_ends_with_0(
    call: Call, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert call("--yes", "--rate", "2") == 0
    (written,) = tmp_path.glob("drill-*.md")
    assert written.read_text().startswith("# Failover drill of mail.example.com")
    said = capsys.readouterr().out
    assert "2 messages/s" in said
    assert "The drill has passed." in said
    assert f"report: {written.name}" in said


@pytest.mark.parametrize(
    ("found", "code"),
    [(report("1 accepted message missing in the mailbox"), 1), (report("interrupted", interrupted=True), 130)],
)
def test_a_drill_that_did_not_pass_ends_otherwise(call: Call, found: Report, code: int) -> None:
    assert call("--yes", "--report", "my.md", found=found) == code
    assert Path("my.md").exists()


def test_json_is_alone_on_standard_output(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--yes", "--json") == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["passed"] is True
    assert "RESETS ITSELF" in shown.err


def test_nothing_begins_without_the_id_of_the_active_server(
    call: Call, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call() == 2
    assert "there is no terminal to confirm it" in capsys.readouterr().err
    monkeypatch.setattr(command, "interactive", lambda: True)
    monkeypatch.setattr(command, "ask_word", lambda question: "yes")
    assert call() == 2
    assert list(tmp_path.iterdir()) == []
    monkeypatch.setattr(command, "ask_word", lambda question: "n1")
    assert call() == 0


@pytest.mark.parametrize("arguments", [("--rate", "0"), ("--rate", "9"), ("--rate", "nan"), ("--limit", "0")])
def test_numbers_out_of_bounds_are_refused(
    call: Call, arguments: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("--yes", *arguments) == 2
    assert "--rate (messages a second) must be 0.5 to 8, and --limit above 0 s" in capsys.readouterr().err


def test_a_report_that_is_there_is_not_replaced(call: Call, capsys: pytest.CaptureFixture[str]) -> None:
    Path("my.md").write_text("mine")
    assert call("--yes", "--report", "my.md") == 2
    assert "my.md is there already" in capsys.readouterr().err
    assert Path("my.md").read_text() == "mine"
