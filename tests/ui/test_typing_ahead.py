"""Keys that come faster than the screens follow: over a slow line, or on a machine that is busy."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from textual.app import ComposeResult
from textual.events import Key, Paste
from textual.keys import _character_to_key

from mailwiz_tui.deploy.events import LogLine
from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.app.start import StartScreen
from mailwiz_tui.ui.terminal import key_order
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.wizard.step_screen import StepScreen
from tests.ui.dashboards import settle, watch
from tests.ui.fakes import FakeClock, Script
from tests.ui.grid import grid, until
from tests.ui.make import MakeApp
from tests.ui.test_steps import goto


def burst(app: MailwizApp, *keys: str) -> None:
    """Deliver texts, and keys by their names in angle brackets, without a pause between any two of them."""
    for key in keys:
        if key.startswith("<"):
            app.post_message(Key(key.strip("<>"), None))
            continue
        for letter in key:
            app.post_message(Key(_character_to_key(letter), letter))


def step_shown(app: MailwizApp) -> str:
    """The step on the screen, once it can be typed into."""
    return app.screen.step_id if isinstance(app.screen, StepScreen) and app.focused is not None else ""


def answers(app: MailwizApp) -> tuple[object, object]:
    """The domain and the host name in the draft."""
    return app.session.value("domain.primary_domain"), app.session.value("domain.hostname")


async def test_each_answer_of_a_dialog_lands_in_its_own_field(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, StartScreen), "start screen")
        burst(app, "a", "192.0.2.44", "<enter>", "box", "<enter>", "<ctrl+u>", "admin", "<enter>", "<ctrl+u>")
        burst(app, "2222", "<enter>", "<enter>", "<enter>")
        await until(pilot, lambda: bool(app.session.inventory.servers), "the server")
        server = app.session.inventory.servers[0]
        assert (server.id, server.host, server.user, server.port) == ("box", "192.0.2.44", "admin", 2222)


async def test_what_is_typed_for_the_next_step_waits_for_its_screen(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "roles")
        burst(app, "<f8>", "example.org", "<enter>", "mx.example.org", "<enter>", "<f8>")
        await until(pilot, lambda: step_shown(app) == "services", "step 5, where F8 leads from step 4")
        assert answers(app) == ("example.org", "mx.example.org"), grid(app)


async def test_pasted_text_meets_the_field_that_was_gone_to(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "domains")
        burst(app, "example.org", "<enter>")
        app.post_message(Paste("mx.example.org"))
        burst(app, "<enter>")
        await until(pilot, lambda: answers(app) == ("example.org", "mx.example.org"), "both answers")


async def test_buttons_lists_and_dialogs_are_followed_too(make_app: MakeApp, plan_path: Path) -> None:
    """A row of the start's list, a button, a dialog over the step and the way back, in one breath."""
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, StartScreen), "start screen")
        burst(app, "<enter>", "<f8>", "<f8>", "<f3>", "<escape>", "example.net", "<f1>", "<escape>", "<f8>", "<f7>")
        await until(pilot, lambda: answers(app)[0] == "example.net", "the domain")
        await until(pilot, lambda: step_shown(app) == "domains", "step 3")


async def test_leaving_while_a_screen_is_being_built_is_no_crash(
    make_app: MakeApp, plan_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(plan_path)
    page = StepScreen.page

    def leave_at_once(screen: StepScreen) -> ComposeResult:
        if screen.step_id == "security":
            app.exit(return_code=143)
        yield from page(screen)

    monkeypatch.setattr(StepScreen, "page", leave_at_once)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "domains")
        burst(app, "<f8>")
        await until(pilot, lambda: app.return_code is not None, "the end")
    assert (app.return_code, app.crash_message) == (143, "")


async def test_a_search_of_the_log_and_the_key_after_it_in_one_breath(
    make_app: MakeApp, filled: Path, script: Script, clock: FakeClock
) -> None:
    script.hold = asyncio.Event()
    script.events = [LogLine("mx1", "x", f"line {n}{' error: full' if n == 20 else ''}", 1.0) for n in range(100)]
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await watch(pilot, app, script, clock)
        await settle(pilot, screen)
        panel = screen.active_log.panel
        burst(app, "/line 60", "<enter>", "e&line", "<enter>", "w")
        await until(pilot, lambda: panel.filter is not None and not panel.wrap, "the filter and no wrapping")
        assert panel.filter is not None
        assert panel.filter.text == "line"
        assert panel.hit == 20


async def test_a_key_that_got_lost_on_its_way_keeps_the_next_ones_for_a_moment_only(
    make_app: MakeApp, plan_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The queue of a widget that goes away may take a word to pass on, and never come to it."""
    app = make_app(plan_path)
    monkeypatch.setattr(key_order, "PATIENCE_SECONDS", 0.05)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "domains")
        monkeypatch.setattr(Entry, "call_later", lambda *_: True)
        burst(app, "example.org")
        await until(pilot, lambda: answers(app)[0] == "example.org", "the domain")
