"""The screen that is there while plan and servers are still being read."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.css import stylesheet
from textual.css.model import RuleSet
from textual.css.parse import parse as tokenized
from textual.css.scalar import Scalar
from textual.dom import DOMNode
from textual.widgets import OptionList

from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.app.opening import OpeningScreen
from mailwiz_tui.ui.app.start import StartScreen
from mailwiz_tui.ui.dialogs.lines_dialog import HelpDialog
from mailwiz_tui.ui.dialogs.server_dialog import ServerDialog
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.widgets.entry import Entry
from tests.ui.fakes import Script, backends
from tests.ui.grid import screen_text, until
from tests.ui.parsed_styles import parse_anew

Opening = tuple[MailwizApp, threading.Event]


@pytest.fixture
def opening(filled: Path, script: Script) -> Iterator[Opening]:
    """The application with a session that comes when the event is set."""
    go = threading.Event()

    def opener() -> Session:
        assert go.wait(60)
        return Session(filled, None, backends(script))

    yield MailwizApp(path=filled, opener=opener), go
    go.set()


def at_row(app: MailwizApp) -> str | None:
    """The row the list of the present screen is at."""
    lists = app.screen.query(OptionList)
    option = lists.first().highlighted_option if lists else None
    return option.id if option is not None else None


async def test_the_first_screen_parses_no_style_twice_and_none_of_later_screens(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed: list[tuple[str, str]] = []
    parse = tokenized

    def counting(scope: str, css: str, read_from: tuple[str, str], *rest: Any, **more: Any) -> Iterator[RuleSet]:
        parsed.append(read_from)
        return iter(parse(scope, css, read_from, *rest, **more))

    monkeypatch.setattr(stylesheet, "parse", counting)
    monkeypatch.setattr(stylesheet.Stylesheet, "_parse_rules", parse_anew)
    app, go = opening
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Continue with plan.toml" in screen_text(app), "the opening screen")
        assert len(parsed) == len(set(parsed)), parsed
        assert not [name for _, name in parsed if name == "further"]
        go.set()
        await until(pilot, lambda: isinstance(app.screen, StartScreen), "the start screen")
        assert [name for _, name in parsed].count("further") == 1


async def test_a_widget_is_styled_when_it_is_mounted_and_not_while_it_is_made(
    opening: Opening, monkeypatch: pytest.MonkeyPatch
) -> None:
    app, go = opening
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Continue with plan.toml" in screen_text(app), "the opening screen")
        styled: list[DOMNode] = []
        apply = app.stylesheet.apply

        def noting(node: DOMNode, **how: Any) -> None:
            styled.append(node)
            apply(node, **how)

        monkeypatch.setattr(app.stylesheet, "apply", noting)
        entry = Entry("a value")
        assert entry.has_class("-textual-compact")
        assert styled == []
        await app.screen.mount(entry)
        assert entry in styled
        assert entry.styles.height == Scalar.parse("1")
        styled.clear()
        entry.add_class("-invalid")
        assert entry in styled
        go.set()


async def test_where_the_operator_went_meanwhile_is_kept(opening: Opening) -> None:
    app, go = opening
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Continue with plan.toml" in screen_text(app), "the opening screen")
        await pilot.press("down")
        screen = app.screen
        assert isinstance(screen, OpeningScreen)
        chosen = screen.highlighted
        go.set()
        await until(pilot, lambda: isinstance(app.screen, StartScreen), "the start screen")
        await until(pilot, lambda: at_row(app) == chosen == "new", "the row")


async def test_what_was_chosen_meanwhile_is_done_as_soon_as_it_can_be(opening: Opening) -> None:
    app, go = opening
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Continue with plan.toml" in screen_text(app), "the opening screen")
        await pilot.press("enter")
        go.set()
        await until(pilot, lambda: "1/8" in screen_text(app), "the first step")


async def test_help_is_there_before_the_session(opening: Opening) -> None:
    app, go = opening
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Continue with plan.toml" in screen_text(app), "the opening screen")
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpDialog), "the help")
        await until(pilot, lambda: "╭" in screen_text(app), "its frame")
        await pilot.press("escape")
        go.set()
        await until(pilot, lambda: isinstance(app.screen, StartScreen), "the start screen")
        await until(pilot, lambda: app.focused is not None, "its list")


async def test_a_session_that_cannot_be_made_ends_the_program(filled: Path) -> None:
    def opener() -> Session:
        raise OSError("no such plan")

    app = MailwizApp(path=filled, opener=opener)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.opening_error is not None, "the error")
    assert str(app.opening_error) == "no such plan"


async def test_what_is_typed_after_a_choice_waits_for_what_was_chosen(opening: Opening) -> None:
    app, go = opening
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Continue with plan.toml" in screen_text(app), "the opening screen")
        await pilot.press("a", *"203.0.113.9", "enter", *"late")
        go.set()
        await until(pilot, lambda: isinstance(app.screen, ServerDialog), "the dialog")
        await until(
            pilot, lambda: [e.value for e in app.screen.query(Entry)][:2] == ["203.0.113.9", "late"], "answers"
        )


async def test_leaving_waits_for_nothing(opening: Opening) -> None:
    app, go = opening
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: "Continue with plan.toml" in screen_text(app), "the opening screen")
        await pilot.press("enter", "x", "ctrl+q")
        await until(pilot, lambda: app.return_code == 0, "the end")
        go.set()
