"""Review, dashboard, results and credentials with a scripted engine."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import SecretStr

from mailwiz_tui.deploy.events import LogLine, ServerPhase
from mailwiz_tui.ui.installation.credentials import CredentialsScreen
from mailwiz_tui.ui.installation.dashboard import DashboardScreen
from mailwiz_tui.ui.installation.installation import Stage
from mailwiz_tui.ui.installation.verification import VerificationScreen
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.log_panel import LogPanel
from tests.ui.fakes import (
    DELIVERED,
    FAILED,
    NO_SPF,
    NOT_RUN,
    PASSED,
    PASSWORD,
    UNPUBLISHED,
    FakeClock,
    Script,
    ended,
    steps_of,
)
from tests.ui.grid import check_golden, grid, released, screen_text, size_ids, until
from tests.ui.journeys import install, running, succeed
from tests.ui.make import MakeApp


def files_holding(text: str, folder: Path) -> list[Path]:
    """The files below a folder that hold a text."""
    return [p for p in folder.rglob("*") if p.is_file() and text in p.read_text(errors="replace")]


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
        "mx1": ended(
            "mx1",
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
        await pilot.pause()
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
        await until(pilot, lambda: isinstance(app.screen, VerificationScreen), "results")
        await until(
            pilot, lambda: "Strangers can send mail through the server: the check" in screen_text(app), "first"
        )
        assert "smtpd_relay_restrictions" in screen_text(app)
        await check_golden(pilot, "verification-failed-80x24", update=update_golden)


@size_ids
async def test_what_keeps_mail_away_stands_first_and_is_not_green(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, update_golden: bool
) -> None:
    succeed(script)
    script.checks = [PASSED, DELIVERED, NO_SPF, UNPUBLISHED]
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        screen = await install(pilot, app)
        first = "Mail from outside cannot arrive: MX of example.com is not published."
        await until(pilot, lambda: f"! installed, but not everything works: {first}" in screen_text(app), "done")
        assert screen.query_one("#stage").has_class("warn")
        await check_golden(pilot, f"dashboard-hindered-{size[0]}x{size[1]}", update=update_golden)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, VerificationScreen), "results")
        await until(pilot, lambda: first in screen_text(app), "the verdict")
        shown = screen_text(app)
        order = [
            first,
            "SPF of example.com",
            "On the server itself mail is accepted on port 25",
            "Recommended: SPF",
        ]
        assert sorted(order, key=shown.index) == order
        assert "The mail server works" not in shown
        assert not app.screen.query_one("#verdict").has_class("good")
        await check_golden(pilot, f"verification-hindered-{size[0]}x{size[1]}", update=update_golden)


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
    script.backup_keys = {"mx1": SecretStr(f"{PASSWORD}-key")}
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
        await pilot.pause()
        seen.append(grid(app))
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CredentialsScreen), "passwords")
        await until(pilot, lambda: f"{PASSWORD}-panel" in grid(app), "both passwords")
        assert "Admin panel: postmaster@example.com" in grid(app)
        assert "Recovery key of the backup of mx1" in grid(app)
        assert f"{PASSWORD}-key" in grid(app)
        await pilot.press("enter")
        await until(pilot, lambda: "Save the passwords" in screen_text(app), "file name")
        target = tmp_path / "secret.json"
        app.screen.query_one("#dialog-entry", Entry).value = str(target)
        await pilot.press("enter")
        await until(pilot, target.exists, "the file")
        assert json.loads(target.read_text()) == {
            "mailboxes": {"postmaster@example.com": PASSWORD},
            "admin_panel": {"postmaster@example.com": f"{PASSWORD}-panel"},
            "backup_keys": {"mx1": f"{PASSWORD}-key"},
        }
        assert target.stat().st_mode & 0o777 == 0o600
        await until(pilot, lambda: app.focused is not None and app.focused.id == "acknowledge", "focus")
        await pilot.press("enter")
        await until(pilot, lambda: "Do you have the passwords?" in screen_text(app), "the question")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, CredentialsScreen), "no is the default")
        await pilot.pause()
        assert script.acknowledged == 0
        await until(pilot, lambda: app.focused is not None and app.focused.id == "acknowledge", "focus again")
        await released(pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: "Do you have the passwords?" in screen_text(app), "the question again")
        await pilot.press("right", "enter")
        await until(pilot, lambda: isinstance(app.screen, VerificationScreen), "results")
        assert script.acknowledged == 1
        seen.append(grid(app))
        await pilot.press("l")
        await until(pilot, lambda: isinstance(app.screen, DashboardScreen), "log")
        await pilot.pause()
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
        await until(pilot, lambda: "exists already, so nothing was written" in screen_text(app), "why")
        assert app.screen.query_one("#dialog-entry", Entry).value == str(target)
        await pilot.press("escape")
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
        assert any("cleared [/bold] [red]x[/]" in line for line in lines)
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
        top = panel.visible_lines()[0]
        buffer.limit = len(buffer.lines)
        for i in range(100, 120):
            buffer.append(f"line {i}")
        panel.pull()
        await pilot.pause()
        assert buffer.dropped > 0
        assert panel.visible_lines()[0] == top
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
        said = " ".join(screen_text(app).replace("│", " ").split())
        assert "To return: mailwiz-tui monitor" in said
        assert "a server reverts the firewall unless this program confirms within 60 s that SSH still works" in said
        await pilot.press("right", "enter")
        await pilot.pause(0.2)
    assert app.return_code == 0
    assert script.closed == 1
    assert app.closing_text.startswith("mailwiz-tui: the installation continues on mx1\n")
    assert f"mailwiz-tui monitor {filled}\n" in app.closing_text
    assert f"mailwiz-tui apply {filled}\n" in app.closing_text
    assert app.closing_text.endswith(
        "reverts the firewall unless one of these confirms in time that SSH still works.\n"
    )


async def test_quitting_can_stop_after_the_step(make_app: MakeApp, filled: Path, script: Script) -> None:
    running(script, FakeClock())
    script.outcomes = {"mx1": ended("mx1", ServerPhase.FAILED, reason="stopped after “Database”, as was asked")}
    app = make_app(filled)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await install(pilot, app)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "Stop after the step" in screen_text(app), "the question")
        await pilot.press("right", "right", "enter")
        await until(pilot, lambda: script.stopped == 1, "the servers were asked")
        await until(pilot, lambda: "stopping after the present step" in screen_text(app), "told")
        assert app.is_running
        assert isinstance(app.screen, DashboardScreen)


async def test_quitting_before_the_first_passwords_were_shown_asks(
    make_app: MakeApp, filled: Path, script: Script
) -> None:
    script.outcomes = {"mx1": ended("mx1", ServerPhase.DONE)}
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
        await until(
            pilot, lambda: "installing; the results are shown when it is done" in screen_text(app), "state line"
        )
        assert not app.screen.query("Toast")
