"""The dashboard with several servers, attached, silent, and what can be done with its logs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from textual.geometry import Region
from textual.pilot import Pilot
from textual.widget import Widget

from mailwiz_tui.install.events import LogLine, ServerChanged, ServerPhase, StepChanged, StepPhase
from mailwiz_tui.install.history import History
from mailwiz_tui.ui.installation import Installation
from mailwiz_tui.ui.mailwiz import MailwizApp
from mailwiz_tui.ui.run_model import RunModel
from mailwiz_tui.ui.screens.dashboard import DashboardScreen
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.log_panel import LogPanel
from mailwiz_tui.ui.widgets.log_tiles import tiling
from mailwiz_tui.ui.widgets.log_view import LogView
from mailwiz_tui.ui.widgets.server_table import ServerTable, changed_cells
from tests.ui.fakes import FAILED, PASSED, FakeClock, FakeEngine, FakeOutcome, Script, backends, steps_of
from tests.ui.grid import check_golden, grid, screen_text, until
from tests.ui.make import MakeApp

SIZES = ((80, 24), (120, 40))
size_ids = pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")


async def watch(
    pilot: Pilot[Any], app: MailwizApp, script: Script, clock: FakeClock, servers: int = 1, *, attach: bool = False
) -> DashboardScreen:
    """Show the dashboard of an installation on so many servers, which the script drives."""
    model = RunModel([f"mx{i}" for i in range(1, servers + 1)], clock, History().span)
    installation = Installation(FakeEngine(script), model, backends(script).verify, app.stage_changed)
    app.session.ongoing.installation = installation
    if attach:
        installation.start_watching()
    else:
        installation.start()
    app.show_dashboard()
    await until(pilot, lambda: isinstance(app.screen, DashboardScreen) and app.focused is not None, "dashboard")
    assert isinstance(app.screen, DashboardScreen)
    return app.screen


async def settle(pilot: Pilot[Any], screen: DashboardScreen) -> None:
    """Let everything be laid out, then draw once more."""
    for _ in range(3):
        screen.tick()
        await pilot.pause(0.05)


def several(script: Script, count: int) -> None:
    """Servers that are each a little further, and one that failed."""
    script.hold = asyncio.Event()
    for number in range(1, count + 1):
        script.events += steps_of(f"mx{number}", 13, number)
    step = ("postfix", "Postfix", 3, 13)
    script.events += [
        StepChanged("mx2", *step, StepPhase.FAILED, "postfix check failed"),
        LogLine("mx2", "postfix", "postfix: fatal: bad numerical configuration: message_size_limit = big"),
        ServerChanged("mx2", ServerPhase.FAILED, "postfix check failed: bad number", "set a number of bytes"),
    ]


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
        assert "mx2 failed in “Postfix”; the others go on" in screen_text(app)
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
        ServerChanged("mx1", ServerPhase.ATTACHED, "following a run of anna@desk"),
        *steps_of("mx1", 13, 3)[2:],
    ]
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        screen = await watch(pilot, app, script, clock, attach=True)
        await settle(pilot, screen)
        assert "attached: following a run of anna@desk" in screen_text(app)
        await check_golden(pilot, f"dashboard-attached-{size[0]}x{size[1]}", update=update_golden)
        script.outcomes = {"mx1": FakeOutcome(ServerPhase.DONE)}
        script.hold.set()
        await until(pilot, lambda: "you watched another operator's installation" in screen_text(app), "done")


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
        assert "nothing for" not in screen_text(app)
        clock.now += 11
        await settle(pilot, screen)
        assert "nothing for 40 s: usually a slow download; waiting is safe" in screen_text(app)
        await check_golden(pilot, f"dashboard-silent-{size[0]}x{size[1]}", update=update_golden)
        clock.now += 200
        await settle(pilot, screen)
        assert "nothing for 4 min 0 s: it goes on by itself" in screen_text(app)


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
        assert "about 3–6 min left, by earlier runs" in screen_text(app)
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


async def test_find_filter_errors_times_and_marks(
    make_app: MakeApp, filled: Path, script: Script, clock: FakeClock, tmp_path: Path
) -> None:
    script.hold = asyncio.Event()
    script.events = [ServerChanged("mx1", ServerPhase.INSTALLING)]
    for number in range(200):
        word = " error: disk full" if number in (50, 150) else " needle" if number % 60 == 10 else ""
        script.events.append(LogLine("mx1", "x", f"line {number}{word}", 3600.0 * 23 + number))
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await watch(pilot, app, script, clock)
        await settle(pilot, screen)
        panel = screen.active_log.panel

        def hit() -> str:
            return "" if panel.hit is None else panel.buffer.lines[panel.hit]

        await pilot.press("e")
        assert hit() == "line 150 error: disk full"
        await pilot.press("e")
        assert hit() == "line 50 error: disk full"
        assert "line 50 error" in grid(app)
        assert not panel.following
        await pilot.press("f", "slash")
        await until(pilot, lambda: isinstance(app.focused, Entry), "the row to type in")
        await pilot.press(*"nee", "enter")
        assert [hit()] == ["line 190 needle"] or hit() == "line 10 needle"
        first = hit()
        await pilot.press("n")
        assert hit() != first
        await pilot.press("N")
        assert hit() == first
        await pilot.press("ampersand")
        await until(pilot, lambda: isinstance(app.focused, Entry), "the row to type in")
        await pilot.press(*"line 1", "enter")
        await until(pilot, lambda: "111 of 200 lines with “line 1”" in screen_text(app), "the filter")
        assert "line 99" not in grid(app)
        panel.buffer.append("line 1000")
        panel.buffer.append("something else")
        screen.tick()
        assert "112 of 202 lines" in panel.status()
        await pilot.press("ampersand")
        await pilot.press(*["backspace"] * 6, "enter")
        assert panel.filter is None
        await pilot.press("f", "t", "m")
        await settle(pilot, screen)
        assert "23:03:19 line 199" in grid(app)
        assert "── mark " in grid(app)
        await pilot.press("ampersand", "escape")
        assert panel.filter is None
        await pilot.press("s")
        await until(pilot, lambda: "Save the log" in screen_text(app), "the file's name")
        target = tmp_path / "mx1.log"
        app.screen.query_one("#dialog-entry", Entry).value = str(target)
        await pilot.press("enter")
        await until(pilot, target.exists, "the file")
        assert "23:00:00 line 0\n" in target.read_text()
        assert target.stat().st_mode & 0o777 == 0o600


async def test_digits_typed_into_a_search_choose_no_server(
    make_app: MakeApp, filled: Path, script: Script, clock: FakeClock
) -> None:
    several(script, 2)
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await watch(pilot, app, script, clock, 2)
        await settle(pilot, screen)
        await pilot.press("slash", "2")
        assert screen.chosen == "mx1"
        assert isinstance(app.focused, Entry)
        assert app.focused.value == "2"


async def test_a_paused_log_holds_still(make_app: MakeApp, filled: Path, script: Script, clock: FakeClock) -> None:
    script.hold = asyncio.Event()
    script.events = steps_of("mx1", 8, 2)
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await watch(pilot, app, script, clock)
        await settle(pilot, screen)
        await pilot.press("space")
        before = len(screen.active_log.panel.rows)
        for number in range(7):
            screen.run.model.apply(LogLine("mx1", "x", f"new {number}"))
        await settle(pilot, screen)
        assert len(screen.active_log.panel.rows) == before
        assert "paused, 7 new" in screen_text(app)
        await pilot.press("f")
        await settle(pilot, screen)
        assert "new 6" in grid(app)


async def test_copying_sends_whole_lines(make_app: MakeApp, filled: Path, script: Script, clock: FakeClock) -> None:
    script.hold = asyncio.Event()
    script.events = [ServerChanged("mx1", ServerPhase.INSTALLING), LogLine("mx1", "x", "word " * 60)]
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await watch(pilot, app, script, clock)
        await settle(pilot, screen)
        await pilot.press("y")
        assert app.clipboard == ("word " * 60).rstrip() or app.clipboard == "word " * 60


async def test_hostile_output_does_no_harm(
    make_app: MakeApp, filled: Path, script: Script, clock: FakeClock
) -> None:
    script.hold = asyncio.Event()
    script.events = [
        ServerChanged("mx1", ServerPhase.INSTALLING),
        LogLine("mx1", "x", "\x1b]52;c;aGFja2Vk\x07\x1b]0;owned\x07\x1b[2J [/bold] [red]x[/] \x9b31m\x07\u202eabc"),
        LogLine("mx1", "x", "A" * (1 << 20)),
        StepChanged("mx1", "x", "\x1b[31mtitle[/]" + "B" * 5000, 1, 2, StepPhase.RUNNING),
        ServerChanged("mx1", ServerPhase.FAILED, "[bold]why\x1b]0;x\x07" + "C" * 100_000, "do [/] this\x1b[2J"),
    ]
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await watch(pilot, app, script, clock)
        await settle(pilot, screen)
        for key in ("e", "t", "w", "z", "l", "slash"):
            await pilot.press(key)
        await pilot.press(*"[red]", "enter")
        await settle(pilot, screen)
        shown = grid(app)
        assert not [c for c in shown if ord(c) < 32 and c != "\n"]
        assert "\u202e" not in shown
        assert max(len(line) for line in screen.query(LogPanel).first().buffer.lines) <= 1000


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
    script.outcomes = {"mx1": FakeOutcome(ServerPhase.FAILED, True, "firewall", "nft: no such table", "look")}
    script.checks = [FAILED]
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        screen = await watch(pilot, app, script, clock)
        await until(pilot, lambda: "k goes on without this step" in screen_text(app), "the way out")
        await settle(pilot, screen)
        await check_golden(pilot, f"dashboard-optional-failed-{size[0]}x{size[1]}", update=update_golden)
        script.events = [
            *steps_of("mx1", 8, 6),
            StepChanged("mx1", "rspamd", "Rspamd", 7, 8, StepPhase.CHANGED),
            StepChanged("mx1", "firewall", "Firewall", 8, 8, StepPhase.SKIPPED, "left out, as was asked"),
        ]
        script.outcomes = {"mx1": FakeOutcome(ServerPhase.DONE, skipped=("firewall",))}
        await pilot.press("k")
        await until(pilot, lambda: "Go on without “Firewall”?" in screen_text(app), "the question")
        assert script.applied == 1
        await pilot.press("right", "enter")
        await until(pilot, lambda: "installed without “Firewall”" in screen_text(app), "the end")
        assert script.asked[-1] == ((), {"mx1": ("firewall",)})
        await pilot.press("l")
        await settle(pilot, screen)
        await check_golden(pilot, f"dashboard-skipped-{size[0]}x{size[1]}", update=update_golden)


@size_ids
async def test_however_long_the_reason_what_the_keys_do_is_in_sight(
    size: tuple[int, int], make_app: MakeApp, filled: Path, script: Script, clock: FakeClock, update_golden: bool
) -> None:
    reason, advice = "apt-get update: E: Malformed entry; " * 9, "check the server's sources and its way out; " * 9
    script.events = [ServerChanged("mx1", ServerPhase.FAILED, reason, advice)]
    script.outcomes = {"mx1": FakeOutcome(ServerPhase.FAILED, True, "packages", reason, advice)}
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
    script.outcomes = {"mx1": FakeOutcome(ServerPhase.FAILED, True, "postfix", "no", "look")}
    app = make_app(filled)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await watch(pilot, app, script, clock)
        await until(pilot, lambda: "e shows the error in the log" in screen_text(app), "failed")
        await pilot.press("k")
        assert app.screen is screen
        assert screen.why_not("run.skip").startswith("later steps build on “Postfix”")
        await until(pilot, lambda: "later steps build on" in screen_text(app), "the reason")


async def test_one_failed_server_is_retried_while_another_is_still_at_work(
    make_app: MakeApp, filled: Path, script: Script, clock: FakeClock
) -> None:
    script.hold = asyncio.Event()
    failing(script, "mx1", 5, "Postfix")
    script.events += steps_of("mx2", 8, 2)
    script.outcomes = {
        "mx1": FakeOutcome(ServerPhase.FAILED, True, "postfix", "no", "look"),
        "mx2": FakeOutcome(ServerPhase.DONE),
    }
    script.second = steps_of("mx1", 8, 7)
    script.late = {"mx1": FakeOutcome(ServerPhase.DONE)}
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


async def test_new_lines_paint_rows_alone(
    make_app: MakeApp, filled: Path, script: Script, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the scroll bar nor a new layout: both cost more than the lines over a slow link."""
    script.hold = asyncio.Event()
    script.events = steps_of("mx1", 8, 2)
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await watch(pilot, app, script, clock)
        model, panel = screen.run.model, screen.active_log.panel
        for number in range(500):
            model.apply(LogLine("mx1", "x", f"line {number}"))
        await settle(pilot, screen)
        layouts = 0
        painted: list[tuple[Widget, tuple[Region, ...]]] = []
        dirty, laid_out = Widget._set_dirty, type(screen)._refresh_layout

        def note_dirty(widget: Widget, *regions: Region) -> None:
            painted.append((widget, regions))
            dirty(widget, *regions)

        def note_layout(self: DashboardScreen, *given: Any, **more: Any) -> None:
            nonlocal layouts
            layouts += 1
            laid_out(self, *given, **more)

        monkeypatch.setattr(Widget, "_set_dirty", note_dirty)
        monkeypatch.setattr(type(screen), "_refresh_layout", note_layout)
        model.apply(LogLine("mx1", "x", "line 500"))
        await settle(pilot, screen)
        assert "line 500" in grid(app)
        rows = Region(0, 0, panel.size.width - 1, panel.size.height)
        assert {regions for widget, regions in painted if widget is panel} == {(rows,)}
        assert not [widget for widget, _ in painted if widget is panel.vertical_scrollbar]
        assert not layouts
        await pilot.press("z", "g")
        await settle(pilot, screen)
        assert [widget for widget, _ in painted if widget is panel.vertical_scrollbar]


def test_a_row_of_the_table_is_painted_where_it_changed() -> None:
    before, after = Text("▸ mx1  installing  00:09  2 s ago"), Text("▸ mx1  installing  00:10  3 s ago")
    assert changed_cells(after, before, 4, 80) == Region(22, 4, 5, 1)
    assert changed_cells(Text("▸ mx1", style="bold"), Text("▸ mx2"), 4, 80) == Region(0, 4, 80, 1)
    coloured = Text.assemble(("▸ mx1", "bold"))
    assert changed_cells(coloured, Text("▸ mx1"), 4, 80) == Region(0, 4, 80, 1)
    assert changed_cells(Text("漢 1"), Text("漢 2"), 4, 80) == Region(0, 4, 80, 1)
