"""What can be done with the dashboard's logs, and what hostile output cannot do."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from textual.geometry import Region
from textual.widget import Widget

from mailwiz_tui.deploy.events import LogLine, ServerChanged, ServerPhase, StepChanged, StepPhase
from mailwiz_tui.ui.installation.dashboard import DashboardScreen
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.log_panel import LogPanel
from tests.ui.dashboards import settle, several, watch
from tests.ui.fakes import FakeClock, Script, steps_of
from tests.ui.grid import grid, screen_text, until
from tests.ui.make import MakeApp


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
