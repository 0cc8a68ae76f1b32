"""Review, dashboard, results and credentials with a scripted engine."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from textual.pilot import Pilot

from mailwiz_tui.fleet.facts import FactsFile, MailSoftware
from mailwiz_tui.install.events import LogLine, ServerPhase
from mailwiz_tui.ui.installation import Stage
from mailwiz_tui.ui.mailwiz import MailwizApp
from mailwiz_tui.ui.screens.credentials import CredentialsScreen
from mailwiz_tui.ui.screens.dashboard import DashboardScreen
from mailwiz_tui.ui.screens.review import ReviewScreen
from mailwiz_tui.ui.screens.verification import VerificationScreen
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.log_panel import LogPanel
from tests.ui.fakes import (
    FAILED,
    NOT_RUN,
    PASSED,
    PASSWORD,
    FakeClock,
    FakeDiff,
    FakeOutcome,
    Script,
    known_server,
    steps_of,
)
from tests.ui.grid import check_golden, grid, screen_text, until
from tests.ui.make import MakeApp

SIZES = ((80, 24), (120, 40))
size_ids = pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")


async def review(pilot: Pilot[Any], app: MailwizApp) -> ReviewScreen:
    """Show the review."""
    await until(pilot, lambda: app.focused is not None, "start")
    app.show_review()
    await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.focused is not None, "review")
    await pilot.pause(0.1)
    assert isinstance(app.screen, ReviewScreen)
    return app.screen


async def install(pilot: Pilot[Any], app: MailwizApp) -> DashboardScreen:
    """Start the installation from the review, by keys."""
    await review(pilot, app)
    await pilot.press("f8")
    await until(pilot, lambda: "Install on mx1?" in screen_text(app), "the question")
    await pilot.press("right", "enter")
    await until(pilot, lambda: isinstance(app.screen, DashboardScreen), "dashboard")
    assert isinstance(app.screen, DashboardScreen)
    return app.screen


def files_holding(text: str, folder: Path) -> list[Path]:
    """The files below a folder that hold a text."""
    return [p for p in folder.rglob("*") if p.is_file() and text in p.read_text(errors="replace")]


def running(script: Script, clock: FakeClock) -> asyncio.Event:
    """A script that stops in the middle of step 6 of 13."""
    script.events = steps_of("mx1", 13, 5)
    script.hold = asyncio.Event()
    return script.hold


def succeed(script: Script) -> None:
    """A script that ends well."""
    script.events = steps_of("mx1", 8, 8)[:-2]
    script.outcomes = {"mx1": FakeOutcome(ServerPhase.DONE)}
    script.checks = [PASSED, NOT_RUN]


@size_ids
async def test_review_of_a_plan_with_faults(
    size: tuple[int, int], make_app: MakeApp, plan_path: Path, update_golden: bool
) -> None:
    app = make_app(plan_path)
    app.session.set("domain.primary_domain", "exa_mple.com")
    async with app.run_test(size=size) as pilot:
        await review(pilot, app)
        await check_golden(pilot, f"review-faults-{size[0]}x{size[1]}", update=update_golden)


@size_ids
async def test_review_of_a_ready_plan(size: tuple[int, int], make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    app.session.known = FactsFile(servers={"mx1": known_server()})
    async with app.run_test(size=size) as pilot:
        await review(pilot, app)
        assert "ready to install" in screen_text(app)
        await pilot.press("end")
        await until(pilot, lambda: "opens 25 smtp" in screen_text(app), "what will happen to the server")


async def test_review_jumps_to_the_field(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    app.session.set("security.dkim.selector", "-bad-")
    async with app.run_test(size=(80, 24)) as pilot:
        await review(pilot, app)
        assert "not ready" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "security", "security step")
        await until(pilot, lambda: isinstance(app.focused, Entry) and app.focused.value == "-bad-", "the field")


async def test_install_is_refused_with_the_reason_while_faults_stand(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await review(pilot, app)
        assert screen.why_not("review.install")
        await pilot.press("f8")
        await pilot.pause(0.1)
        assert app.session.ongoing.installation is None


@size_ids
async def test_dashboard_running(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, clock: FakeClock, update_golden: bool
) -> None:
    running(script, clock)
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        await install(pilot, app)
        clock.now += 73
        await until(pilot, lambda: "01:13" in screen_text(app), "elapsed time")
        await pilot.pause(0.6)
        assert "6/13" in screen_text(app)
        await check_golden(pilot, f"dashboard-running-{size[0]}x{size[1]}", update=update_golden)


@size_ids
async def test_dashboard_failed_then_retried(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, clock: FakeClock, update_golden: bool
) -> None:
    script.events = steps_of("mx1", 13, 4)
    script.outcomes = {
        "mx1": FakeOutcome(
            ServerPhase.FAILED,
            failed_step="postfix",
            reason="postfix check failed: bad value",
            advice="see the log",
        )
    }
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        await install(pilot, app)
        await until(pilot, lambda: "r retries" in screen_text(app), "the failure")
        await pilot.pause(0.6)
        await check_golden(pilot, f"dashboard-failed-{size[0]}x{size[1]}", update=update_golden)
        succeed(script)
        await pilot.press("r")
        await until(pilot, lambda: "Enter shows the results" in screen_text(app), "success after the retry")
        assert script.applied == 2


@size_ids
async def test_dashboard_done_and_the_results(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, clock: FakeClock, update_golden: bool
) -> None:
    succeed(script)
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        await install(pilot, app)
        await until(pilot, lambda: "Enter shows the results" in screen_text(app), "done")
        await check_golden(pilot, f"dashboard-done-{size[0]}x{size[1]}", update=update_golden)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, VerificationScreen), "results")
        await pilot.pause(0.1)
        await check_golden(pilot, f"verification-passed-{size[0]}x{size[1]}", update=update_golden)


async def test_failed_checks_come_first_with_advice(
    make_app: MakeApp, filled: Path, script: Script, update_golden: bool
) -> None:
    succeed(script)
    script.checks = [PASSED, FAILED, NOT_RUN]
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await install(pilot, app)
        await until(pilot, lambda: "1 of 3 checks failed" in screen_text(app), "done")
        await pilot.press("enter")
        await until(pilot, lambda: "1 of 3 checks failed" in screen_text(app), "results")
        assert "smtpd_relay_restrictions" in screen_text(app)
        await check_golden(pilot, "verification-failed-80x24", update=update_golden)


async def test_an_engine_that_cannot_begin_says_why(make_app: MakeApp, filled: Path, script: Script) -> None:
    script.error = RuntimeError("the inventory has no server mx1")
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await install(pilot, app)
        await until(pilot, lambda: "failed: the inventory has no server mx1" in screen_text(app), "the reason")


async def test_passwords_are_shown_once_and_forgotten_only_after_a_yes(
    make_app: MakeApp, filled: Path, script: Script, tmp_path: Path
) -> None:
    succeed(script)
    script.accounts = {"postmaster@example.com": SecretStr(PASSWORD)}
    script.administrators = {"postmaster@example.com": SecretStr(f"{PASSWORD}-panel")}
    app = make_app(filled)
    seen: list[str] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await install(pilot, app)
        await until(
            pilot,
            lambda: (
                app.session.ongoing.installation is not None
                and app.session.ongoing.installation.stage is Stage.DONE
            ),
            "done",
        )
        await pilot.pause(0.4)
        seen.append(grid(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CredentialsScreen), "passwords")
        await until(pilot, lambda: f"{PASSWORD}-panel" in grid(app), "both passwords")
        assert "Admin panel: postmaster@example.com" in grid(app)
        await pilot.press("enter")
        await until(pilot, lambda: "Save the passwords" in screen_text(app), "file name")
        target = tmp_path / "secret.json"
        app.screen.query_one("#dialog-entry", Entry).value = str(target)
        await pilot.press("enter")
        await until(pilot, target.exists, "the file")
        assert json.loads(target.read_text()) == {
            "mailboxes": {"postmaster@example.com": PASSWORD},
            "admin_panel": {"postmaster@example.com": f"{PASSWORD}-panel"},
        }
        assert target.stat().st_mode & 0o777 == 0o600
        await until(pilot, lambda: app.focused is not None and app.focused.id == "acknowledge", "focus")
        await pilot.press("enter")
        await until(pilot, lambda: "Do you have the passwords?" in screen_text(app), "the question")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CredentialsScreen), "no is the default")
        await pilot.pause(0.2)
        assert script.acknowledged == 0
        await until(pilot, lambda: app.focused is not None and app.focused.id == "acknowledge", "focus again")
        await pilot.press("enter")
        await until(pilot, lambda: "Do you have the passwords?" in screen_text(app), "the question again")
        await pilot.press("right", "enter")
        await until(pilot, lambda: isinstance(app.screen, VerificationScreen), "results")
        assert script.acknowledged == 1
        seen.append(grid(app))
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen), "log")
        await pilot.pause(0.3)
        seen.append(grid(app))
    assert not any(PASSWORD in text for text in seen)
    assert [p for p in files_holding(PASSWORD, tmp_path) if p.name != "secret.json"] == []


async def test_an_existing_file_is_never_overwritten_with_passwords(
    make_app: MakeApp, filled: Path, script: Script, tmp_path: Path
) -> None:
    succeed(script)
    script.accounts = {"postmaster@example.com": SecretStr(PASSWORD)}
    target = tmp_path / "there.json"
    target.write_text("mine")
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await install(pilot, app)
        await until(
            pilot,
            lambda: (
                app.session.ongoing.installation is not None
                and app.session.ongoing.installation.stage is Stage.DONE
            ),
            "done",
        )
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CredentialsScreen), "passwords")
        await pilot.press("s")
        await until(pilot, lambda: "Save the passwords" in screen_text(app), "file name")
        app.screen.query_one("#dialog-entry", Entry).value = str(target)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CredentialsScreen), "back")
    assert target.read_text() == "mine"


async def test_a_hostile_log_line_does_no_harm(make_app: MakeApp, filled: Path, script: Script) -> None:
    running(script, FakeClock())
    script.events += [
        LogLine("mx1", "x", "\x1b]52;c;aGFja2Vk\x07\x1b]0;owned\x07\x1b[2Jcleared [/bold] [red]x[/] \x9b31m\x07"),
        LogLine("mx1", "x", "A" * 1_000_000),
        LogLine("mx1", "x", "10%\r50%\r100% done"),
    ]
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await install(pilot, app)
        await until(pilot, lambda: "100% done" in screen_text(app), "the last line")
        shown = grid(app)
        assert "\x1b" not in shown
        assert "\x07" not in shown
        lines = app.session.ongoing.installation.model.server("mx1").log.lines  # type: ignore[union-attr]
        assert any("cleared [/bold] [red]x[/] " in line for line in lines)
        assert max(len(line) for line in lines) <= 1000


async def test_the_log_keeps_the_readers_place_while_lines_arrive_and_fall_off(
    make_app: MakeApp, filled: Path, script: Script
) -> None:
    running(script, FakeClock())
    script.events += [LogLine("mx1", "x", f"line {i}") for i in range(100)]
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await install(pilot, app)
        panel = app.screen.query_one(LogPanel)
        await until(pilot, lambda: "line 99" in grid(app), "tail")
        buffer = panel.buffer
        panel.scroll_to(y=40, animate=False, immediate=True, force=True)
        top = panel.lines_in_sight()[0]
        buffer.limit = len(buffer.lines)
        for i in range(100, 120):
            buffer.append(f"line {i}")
        panel.pull()
        await pilot.pause(0.05)
        assert buffer.dropped > 0
        assert panel.lines_in_sight()[0] == top
        assert panel.pending == 20
        await pilot.press("f")
        await until(pilot, lambda: "line 119" in grid(app), "following again")


async def test_quitting_while_it_runs_asks_and_leaves_it_running(
    make_app: MakeApp, filled: Path, script: Script
) -> None:
    running(script, FakeClock())
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await install(pilot, app)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "An installation is running" in screen_text(app), "the question")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen), "stay is the default")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "An installation is running" in screen_text(app), "the question again")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen), "escape stays")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "An installation is running" in screen_text(app), "the third question")
        await pilot.press("right", "enter")
        await pilot.pause(0.2)
    assert app.return_code == 0
    assert script.closed == 1


async def test_quitting_can_stop_after_the_step(make_app: MakeApp, filled: Path, script: Script) -> None:
    running(script, FakeClock())
    script.outcomes = {"mx1": FakeOutcome(ServerPhase.FAILED, reason="stopped after “Database”, as was asked")}
    app = make_app(filled)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await install(pilot, app)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "Stop after the step" in screen_text(app), "the question")
        await pilot.press("right", "right", "enter")
        await until(pilot, lambda: script.stopped == 1, "the servers were asked")
        await until(pilot, lambda: "stopping when the present step is done" in screen_text(app), "told")
        assert app.is_running
        assert isinstance(app.screen, DashboardScreen)


async def test_quitting_before_the_first_passwords_were_shown_asks(
    make_app: MakeApp, filled: Path, script: Script
) -> None:
    script.outcomes = {"mx1": FakeOutcome(ServerPhase.DONE)}
    script.accounts = {"postmaster@example.com": SecretStr(PASSWORD)}
    script.checks = [PASSED]
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await install(pilot, app)
        await until(pilot, lambda: "Enter shows the results" in screen_text(app), "done")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "have not been shown yet" in screen_text(app), "the question")
        assert PASSWORD not in screen_text(app)
        await pilot.press("right", "enter")
        await until(pilot, lambda: isinstance(app.screen, CredentialsScreen), "shown now")


async def test_enter_while_it_runs_is_answered_in_the_state_line(
    make_app: MakeApp, filled: Path, script: Script
) -> None:
    running(script, FakeClock())
    app = make_app(filled)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await install(pilot, app)
        await pilot.press("enter", "enter")
        await until(pilot, lambda: "installing; the results come when it is done" in screen_text(app), "state line")
        assert not app.screen.query("Toast")


async def test_comparing_shows_the_difference_and_changes_nothing(
    make_app: MakeApp, filled: Path, script: Script
) -> None:
    script.diffs = {"mx1": FakeDiff(("--- /etc/postfix/main.cf", "+++ planned", "+myhostname = mail.example.com"))}
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await review(pilot, app)
        await pilot.press("f5")
        await until(pilot, lambda: "+myhostname = mail.example.com" in grid(app), "the difference")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen), "back")
    assert script.applied == 0


async def test_the_review_says_in_words_what_happens_on_each_server(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    app.session.known = FactsFile(servers={"mx1": known_server()})
    app.session.set("network.relay_host", "[smtp.provider.example]:587")
    app.session.set("network.relay_user", "acme")
    async with app.run_test(size=(120, 60)) as pilot:
        await review(pilot, app)
        shown = screen_text(app)
        for words in ("packages from Debian: postfix", "steps: install Debian", "/etc/postfix", "runs ", "25 smtp"):
            assert words in shown, shown
        assert "asks you" in shown, shown
        rows = [row for row in grid(app).splitlines() if "packages from Debian" in row]
        assert all(len(row) <= 120 for row in rows)


async def test_somebody_elses_mail_server_is_replaced_only_after_its_id_was_typed(
    make_app: MakeApp, filled: Path, script: Script
) -> None:
    record = known_server()
    theirs = (MailSoftware(name="postfix", version="3.10.1", owner="other"),)
    facts = record.facts.model_copy(update={"mail_software": theirs})
    app = make_app(filled)
    app.session.known = FactsFile(servers={"mx1": record.model_copy(update={"facts": facts})})
    script.outcomes = {"mx1": FakeOutcome(ServerPhase.DONE)}
    async with app.run_test(size=(80, 24)) as pilot:
        await review(pilot, app)
        assert "mx1 has postfix 3.10.1, set up by somebody else" in screen_text(app)
        await pilot.press("f8")
        await until(pilot, lambda: "To replace it, type mx1." in screen_text(app), "the dialog")
        assert "/etc/postfix/main.cf" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, ReviewScreen), "back at the review")
        assert not app.session.adopted
        await pilot.press("f8")
        await until(pilot, lambda: isinstance(app.focused, Entry), "the dialog again")
        await pilot.press(*"mx2", "enter")
        await until(pilot, lambda: "that is not mx1" in screen_text(app), "another id")
        await pilot.press("backspace", "1", "enter")
        await until(pilot, lambda: "Install on mx1?" in screen_text(app), "the last question")
        await pilot.press("right", "enter")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen), "the dashboard")
    assert script.adopted == ("mx1",)
