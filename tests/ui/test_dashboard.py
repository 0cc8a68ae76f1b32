"""The dashboard with several servers, attached, silent, and what can be done with its logs."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr
from rich.text import Text
from textual.geometry import Region

from mailwiz_tui.deploy.events import LogLine, ServerChanged, ServerPhase, StepChanged, StepPhase, Waiting
from mailwiz_tui.deploy.history import History
from mailwiz_tui.ui.installation.run_model import RunModel
from mailwiz_tui.ui.widgets.log_tiles import tiling
from mailwiz_tui.ui.widgets.log_view import LogView
from mailwiz_tui.ui.widgets.server_table import ServerTable, changed_cells
from tests.ui.dashboards import settle, several, watch
from tests.ui.fakes import FAILED, PASSED, FakeClock, Script, ended, steps_of
from tests.ui.grid import check_golden, screen_text, size_ids, until
from tests.ui.make import MakeApp


@size_ids
@pytest.mark.parametrize("count", [2, 8])
async def test_several_servers(
    size: tuple[int, int],
    count: int,
    make_app: MakeApp,
    filled: Path,
    script: Script,
    clock: FakeClock,
    update_golden: bool,
) -> None:
    several(script, count)
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        screen = await watch(pilot, app, script, clock, count)
        await settle(pilot, screen)
        views = [v for v in screen.query(LogView) if v.size.height]
        assert len(views) == (1 if size[0] < 120 else count)
        assert f"0 of {count} servers done" in screen_text(app)
        assert "mx2 failed in “Postfix”; the others continue" in screen_text(app)
        await check_golden(pilot, f"dashboard-{count}-servers-{size[0]}x{size[1]}", update=update_golden)


async def test_a_number_or_a_bracket_chooses_the_server_and_zoom_shows_it_alone(
    make_app: MakeApp, filled: Path, script: Script, clock: FakeClock
) -> None:
    several(script, 8)
    app = make_app(filled)
    async with app.run_test(size=(120, 30)) as pilot:
        screen = await watch(pilot, app, script, clock, 8)
        await settle(pilot, screen)
        assert "log of mx8" not in screen_text(app)
        await pilot.press("8")
        await until(pilot, lambda: "log of mx8" in screen_text(app), "the page with the eighth server")
        await pilot.press("left_square_bracket")
        await until(pilot, lambda: screen.chosen == "mx7", "the server before")
        await pilot.press("z")
        await until(pilot, lambda: len([v for v in screen.query(LogView) if v.size.height]) == 1, "one log")
        await until(pilot, lambda: "log of mx7" in screen_text(app), "the chosen one")
        await until(pilot, lambda: "Elapsed" not in screen_text(app), "no table")
        await pilot.press("z")
        await until(pilot, lambda: "Elapsed" in screen_text(app), "the table again")


def test_tiles_only_where_there_is_room() -> None:
    assert tiling(1, 200, 60) == (1, 1)
    assert tiling(2, 119, 40) == (1, 1)
    assert tiling(2, 120, 20) == (2, 1)
    assert tiling(8, 120, 28) == (2, 4)
    assert tiling(8, 240, 28) == (4, 2)
    assert tiling(2, 120, 4) == (2, 1)


@size_ids
async def test_attached_to_what_another_operator_started(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, clock: FakeClock, update_golden: bool
) -> None:
    script.hold = asyncio.Event()
    script.events = [
        ServerChanged("mx1", ServerPhase.CONNECTING),
        ServerChanged("mx1", ServerPhase.ATTACHED, "following a run of anna@desk", elapsed=340.0),
        *steps_of("mx1", 13, 3)[2:],
    ]
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        screen = await watch(pilot, app, script, clock, attach=True)
        await settle(pilot, screen)
        assert "attached: following a run of anna@desk" in screen_text(app)
        assert "05:40" in screen_text(app), "by the run's own begin"
        await check_golden(pilot, f"dashboard-attached-{size[0]}x{size[1]}", update=update_golden)
        script.outcomes = {"mx1": ended("mx1", ServerPhase.DONE)}
        script.hold.set()
        await until(pilot, lambda: "you followed another operator's installation" in screen_text(app), "done")


async def test_ones_own_run_is_known_again_and_finished_with_passwords_and_checks(
    make_app: MakeApp, filled: Path, script: Script, clock: FakeClock
) -> None:
    script.hold = asyncio.Event()
    joined = ServerChanged("mx1", ServerPhase.ATTACHED, "following your own run", elapsed=60.0, own=True)
    script.events = [joined, *steps_of("mx1", 13, 3)[2:], ServerChanged("mx2", ServerPhase.DONE)]
    script.outcomes = {"mx1": ended("mx1", ServerPhase.DONE)}
    script.accounts = {"postmaster@example.com": SecretStr("x")}
    script.checks = [PASSED]
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await watch(pilot, app, script, clock, 2, attach=True)
        await until(pilot, lambda: "attached: following your own run: 1 of 2" in screen_text(app), "whose it is")
        assert "2 mx2 ✓ installed – – –" in screen_text(app), "it ended before one looked"
        script.hold.set()
        await until(pilot, lambda: "Enter shows the results" in screen_text(app), "verified")
        assert "another operator" not in screen_text(app)
        assert screen.run.handover
        assert not screen.run.watched_only


def test_what_was_said_before_one_joined_is_as_old_as_it_is() -> None:
    clock = FakeClock()
    model = RunModel(["mx1"], clock)
    at = 5_000_000.0
    model.apply(ServerChanged("mx1", ServerPhase.ATTACHED, "following your own run", elapsed=300.0, own=True))
    for index, title in enumerate(("Packages", "Postfix"), 1):
        model.apply(StepChanged("mx1", title, title, index, 2, StepPhase.PENDING, at=at))
    model.apply(StepChanged("mx1", "Packages", "Packages", 1, 2, StepPhase.RUNNING, at=at + 1))
    model.apply(StepChanged("mx1", "Packages", "Packages", 1, 2, StepPhase.CHANGED, at=at + 101))
    model.apply(StepChanged("mx1", "Postfix", "Postfix", 2, 2, StepPhase.RUNNING, at=at + 101))
    model.apply(LogLine("mx1", "Postfix", "Setting up", at + 180))
    run = model.server("mx1")
    assert run.elapsed(clock()) == 300.0
    assert [step.seconds(clock()) for step in run.steps.values()] == [100.0, 199.0]
    assert run.silence(clock()) == 120.0
    clock.now += 1
    model.apply(LogLine("mx1", "Postfix", "done", at + 301))
    assert run.silence(clock()) == 0.0
    model.apply(ServerChanged("mx1", ServerPhase.RECONNECTING, "lost"))
    model.apply(ServerChanged("mx1", ServerPhase.ATTACHED, "connected again"))
    assert run.attached == "following your own run"
    assert run.elapsed(clock()) == 301.0


async def test_a_retry_at_rest_leaves_the_finished_server_as_it_is(
    make_app: MakeApp, filled: Path, script: Script, clock: FakeClock
) -> None:
    failing(script, "mx1", 5, "Postfix")
    script.events += steps_of("mx2", 8, 8)[:-2]
    script.outcomes = {
        "mx1": ended("mx1", ServerPhase.FAILED, True, "postfix", "no", "look"),
        "mx2": ended("mx2", ServerPhase.DONE),
    }
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await watch(pilot, app, script, clock, 2)
        await until(pilot, lambda: "e shows the error in the log" in screen_text(app), "failed")
        script.hold = asyncio.Event()
        script.events = steps_of("mx1", 8, 2)
        await pilot.press("r")
        await until(pilot, lambda: "installing: 1 of 2 servers done" in screen_text(app), "again")
        assert script.asked[-1] == (("mx1",), {})
        assert "✓ installed" in screen_text(app)
        script.outcomes["mx1"] = ended("mx1", ServerPhase.DONE)
        script.checks = [PASSED]
        script.hold.set()
        await until(pilot, lambda: "installed; 1 check passed" in screen_text(app), "all done")
        assert set(screen.run.outcomes) == {"mx1", "mx2"}


@size_ids
async def test_long_silence_is_said_in_words(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, clock: FakeClock, update_golden: bool
) -> None:
    script.hold = asyncio.Event()
    script.events = steps_of("mx1", 13, 0)
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        screen = await watch(pilot, app, script, clock)
        clock.now += 29
        await settle(pilot, screen)
        assert "no output for" not in screen_text(app)
        clock.now += 11
        await settle(pilot, screen)
        assert "no output for 40 s: usually a slow download; waiting is safe" in screen_text(app)
        await check_golden(pilot, f"dashboard-silent-{size[0]}x{size[1]}", update=update_golden)
        clock.now += 200
        await settle(pilot, screen)
        assert "no output for 4 min 0 s: it continues" in screen_text(app)


async def test_time_left_is_a_range_from_earlier_runs_or_not_said(
    make_app: MakeApp, filled: Path, script: Script, clock: FakeClock
) -> None:
    script.hold = asyncio.Event()
    script.events = steps_of("mx1", 4, 1)
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await watch(pilot, app, script, clock)
        await settle(pilot, screen)
        assert "left" not in screen_text(app)
        history = History()
        for step in ("packages", "resolver", "certificates", "database"):
            history.record(step, 60)
            history.record(step, 120)
        history.save()
        screen.run.model.span = History().span
        await settle(pilot, screen)
        assert "about 3–6 min left, estimated from earlier runs" in screen_text(app)
        clock.now += 60
        await settle(pilot, screen)
        assert "about 2–5 min left" in screen_text(app)


async def test_the_list_of_steps(make_app: MakeApp, filled: Path, script: Script, clock: FakeClock) -> None:
    script.hold = asyncio.Event()
    script.events = steps_of("mx1", 8, 2)
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await watch(pilot, app, script, clock)
        await pilot.press("l")
        await until(pilot, lambda: "3 Certificates" in screen_text(app), "the steps")
        await settle(pilot, screen)
        assert "▸ running" in screen_text(app)
        assert "○ pending" in screen_text(app)
        assert "log of mx1" not in screen_text(app)
        await pilot.press("l")
        await until(pilot, lambda: "log of mx1" in screen_text(app), "the log")


def failing(script: Script, server_id: str, index: int, title: str) -> None:
    """A server that fails in its step ``index`` of 8."""
    step = (title.lower(), title, index, 8)
    script.events += [
        *steps_of(server_id, 8, index - 1),
        StepChanged(server_id, *step, StepPhase.FAILED, "nft: no such table"),
        ServerChanged(server_id, ServerPhase.FAILED, "nft: no such table", "look at nft list ruleset"),
    ]


@size_ids
async def test_a_failed_optional_step_is_skipped_by_a_key_and_the_end_says_so(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, clock: FakeClock, update_golden: bool
) -> None:
    failing(script, "mx1", 8, "Firewall")
    script.outcomes = {"mx1": ended("mx1", ServerPhase.FAILED, True, "firewall", "nft: no such table", "look")}
    script.checks = [FAILED]
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        screen = await watch(pilot, app, script, clock)
        await until(pilot, lambda: "k skips this optional step" in screen_text(app), "the way out")
        await settle(pilot, screen)
        await check_golden(pilot, f"dashboard-optional-failed-{size[0]}x{size[1]}", update=update_golden)
        script.events = [
            *steps_of("mx1", 8, 6),
            StepChanged("mx1", "rspamd", "Rspamd", 7, 8, StepPhase.CHANGED),
            StepChanged("mx1", "firewall", "Firewall", 8, 8, StepPhase.SKIPPED, "skipped, as requested"),
        ]
        script.outcomes = {"mx1": ended("mx1", ServerPhase.DONE, skipped=("firewall",))}
        await pilot.press("k")
        await until(pilot, lambda: "Continue without “Firewall”?" in screen_text(app), "the question")
        assert script.applied == 1
        await pilot.press("right", "enter")
        await until(pilot, lambda: "installed without “Firewall”" in screen_text(app), "the end")
        assert script.asked[-1] == (("mx1",), {"mx1": ("firewall",)})
        await pilot.press("l")
        await settle(pilot, screen)
        await check_golden(pilot, f"dashboard-skipped-{size[0]}x{size[1]}", update=update_golden)


@size_ids
async def test_however_long_the_reason_what_the_keys_do_is_in_sight(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, clock: FakeClock, update_golden: bool
) -> None:
    reason, advice = "apt-get update: E: Malformed entry; " * 9, "check the server's sources and its way out; " * 9
    script.events = [ServerChanged("mx1", ServerPhase.FAILED, reason, advice)]
    script.outcomes = {"mx1": ended("mx1", ServerPhase.FAILED, True, "packages", reason, advice)}
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        screen = await watch(pilot, app, script, clock)
        await until(pilot, lambda: "r retries (finished steps are not repeated)" in screen_text(app), "the keys")
        await settle(pilot, screen)
        await check_golden(pilot, f"dashboard-long-reason-{size[0]}x{size[1]}", update=update_golden)


async def test_a_step_that_others_build_on_cannot_be_skipped_and_says_why(
    make_app: MakeApp, filled: Path, script: Script, clock: FakeClock
) -> None:
    failing(script, "mx1", 5, "Postfix")
    script.outcomes = {"mx1": ended("mx1", ServerPhase.FAILED, True, "postfix", "no", "look")}
    app = make_app(filled)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await watch(pilot, app, script, clock)
        await until(pilot, lambda: "e shows the error in the log" in screen_text(app), "failed")
        await pilot.press("k")
        assert app.screen is screen
        assert screen.why_not("run.skip").startswith("later steps depend on “Postfix”")
        await until(pilot, lambda: "later steps depend on" in screen_text(app), "the reason")


async def test_one_failed_server_is_retried_while_another_is_still_at_work(
    make_app: MakeApp, filled: Path, script: Script, clock: FakeClock
) -> None:
    script.hold = asyncio.Event()
    failing(script, "mx1", 5, "Postfix")
    script.events += steps_of("mx2", 8, 2)
    script.outcomes = {
        "mx1": ended("mx1", ServerPhase.FAILED, True, "postfix", "no", "look"),
        "mx2": ended("mx2", ServerPhase.DONE),
    }
    script.second = steps_of("mx1", 8, 7)
    script.late = {"mx1": ended("mx1", ServerPhase.DONE)}
    script.checks = [PASSED]
    app = make_app(filled)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await watch(pilot, app, script, clock, 2)
        await until(pilot, lambda: "mx1 failed in “Postfix”" in screen_text(app), "one failed")
        screen.query_one(ServerTable).choose(1)
        await pilot.press("r")
        assert screen.why_not("run.retry").startswith("mx2 did not fail")
        await pilot.press("up", "r")
        await until(pilot, lambda: "1 of 2 servers done" in screen_text(app), "the failed one is done now")
        assert script.asked[-1] == (("mx1",), {})
        assert screen.run.running
        script.hold.set()
        await until(pilot, lambda: "installed; 1 check passed" in screen_text(app), "all done")


def test_a_row_of_the_table_is_painted_where_it_changed() -> None:
    before, after = Text("▸ mx1  installing  00:09  2 s ago"), Text("▸ mx1  installing  00:10  3 s ago")
    assert changed_cells(after, before, 4, 80) == Region(22, 4, 5, 1)
    assert changed_cells(Text("▸ mx1", style="bold"), Text("▸ mx2"), 4, 80) == Region(0, 4, 80, 1)
    coloured = Text.assemble(("▸ mx1", "bold"))
    assert changed_cells(coloured, Text("▸ mx1"), 4, 80) == Region(0, 4, 80, 1)
    assert changed_cells(Text("漢 1"), Text("漢 2"), 4, 80) == Region(0, 4, 80, 1)


@pytest.mark.parametrize("count", [1, 2])
async def test_what_another_server_has_to_provide_is_named_with_the_time_it_takes(
    make_app: MakeApp, filled: Path, script: Script, clock: FakeClock, count: int
) -> None:
    several(script, count)
    wait = Waiting("mx1", "accounts", "store1", "accounts database")
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await watch(pilot, app, script, clock, count)
        await settle(pilot, screen)
        screen.run.model.apply(wait)
        clock.now += 42
        await settle(pilot, screen)
        assert "waiting for store1: accounts database (0:42)" in screen_text(app)
        screen.run.model.apply(replace(wait, over=True))
        await settle(pilot, screen)
        assert "waiting for store1" not in screen_text(app)
