"""How fields and dialogs behave: what is typed, what is marked, what F1 says, how small they may be."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import threading
from pathlib import Path
from typing import Any

import pytest
from textual.events import Key
from textual.pilot import Pilot
from textual.widgets import Button

from mailwiz_tui import ui
from mailwiz_tui.ui.app import navigation
from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.app.leaving import CHOICES, RUNNING, running_words
from mailwiz_tui.ui.app.start import StartScreen
from mailwiz_tui.ui.dialogs import dialog
from mailwiz_tui.ui.dialogs.account_dialogs import AliasDialog, MailboxDialog, QuotaDialog
from mailwiz_tui.ui.dialogs.dialog import ChoiceDialog, Dialog
from mailwiz_tui.ui.dialogs.lines_dialog import HelpDialog
from mailwiz_tui.ui.dialogs.server_dialog import ServerDialog
from mailwiz_tui.ui.monitoring.monitor import MonitorScreen
from mailwiz_tui.ui.widgets.choice_row import ChoiceRow
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.wizard.step_screen import StepScreen
from tests.ui.grid import check_golden, focus, grid, screen_text, until
from tests.ui.make import MakeApp
from tests.ui.test_steps import field, goto, saved_in

SMALL = [(80, 24), (60, 15), (20, 5)]
small = pytest.mark.parametrize("size", SMALL, ids=[f"{w}x{h}" for w, h in SMALL])


async def opened(pilot: Pilot[Any], app: MailwizApp, shown: Dialog[Any]) -> None:
    """Show a dialog over the start screen and wait until it takes keys."""
    await until(pilot, lambda: app.focused is not None, "start")
    app.push_screen(shown)
    await until(pilot, lambda: app.screen is shown and app.focused is not None, "dialog")


async def test_letters_on_a_choice_change_nothing(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "security")
        row = field(screen, "security.tls.provider").control
        assert isinstance(row, ChoiceRow)
        await focus(pilot, row)
        before = saved_in(filled)
        await pilot.press("o", "l", "s", "O")
        kept: object = row.value
        assert kept == "selfsigned"
        assert saved_in(filled) == before
        await pilot.press("left")
        assert row.value == "custom"


async def test_arrows_move_within_a_vertical_choice_and_leave_it_at_its_ends(
    make_app: MakeApp, filled: Path
) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "architecture")
        row = field(screen, "architecture").control
        assert isinstance(row, ChoiceRow)
        assert row.stacked
        for key, value in (("down", "distributed"), ("down", "ha-cluster"), ("up", "distributed")):
            await pilot.press(key)
            assert (row.value, app.focused) == (value, row)
        await pilot.press("down", "down")
        await until(pilot, lambda: isinstance(app.focused, Button), "left at the last")
        assert row.value == "ha-cluster"


async def test_down_goes_on_from_a_horizontal_choice(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "security")
        row = field(screen, "security.spf.policy").control
        await focus(pilot, row)
        await pilot.press("down")
        assert app.focused is field(screen, "security.spf.includes").control
        await pilot.press("up")
        assert app.focused is row


async def test_the_first_key_replaces_what_a_field_was_filled_with(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, ServerDialog(set()))
        port = app.screen.query_one("#server-port", Entry)
        await focus(pilot, port)
        await pilot.press(*"99999")
        assert port.value == "99999"
        await pilot.press("escape")
        screen = await goto(pilot, app, "security")
        selector = field(screen, "security.dkim.selector").control
        assert isinstance(selector, Entry)
        await focus(pilot, selector)
        await pilot.press(*"2027b")
        assert selector.value == "2027b"


@pytest.mark.parametrize("begin", ["end", "left", "home"])
async def test_an_arrow_keeps_what_a_field_was_filled_with(make_app: MakeApp, filled: Path, begin: str) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "domains")
        await pilot.press(begin, "x")
        value = field(screen, "domain.primary_domain").value
        assert isinstance(value, str)
        assert sorted(value) == sorted("example.comx")


async def test_help_in_between_does_not_take_what_is_being_typed(make_app: MakeApp, plan_path: Path) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "domains")
        await pilot.press(*"exam", "f1")
        await until(pilot, lambda: isinstance(app.screen, HelpDialog), "help")
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, StepScreen), "back")
        await pilot.press(*"ple.org")
        assert field(screen, "domain.primary_domain").value == "example.org"


async def test_everything_wrong_is_marked_at_once(make_app: MakeApp, filled: Path, update_golden: bool) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, ServerDialog({"mx1"}))
        for name, value in (("host", "a b"), ("id", "mx1"), ("port", "x"), ("identity_file", "/no/key")):
            app.screen.query_one(f"#server-{name}", Entry).value = value
        app.screen.query_one("#answer-ok", Button).press()
        for said in ("Enter an IP address", "A server mx1 exists already", "from 1 to 65535", "does not exist"):
            await until(pilot, lambda said=said: said in screen_text(app), said)  # type: ignore[misc]
        assert app.focused is app.screen.query_one("#server-host", Entry)
        await check_golden(pilot, "server-faults-80x24", update=update_golden)
        app.screen.query_one("#server-port", Entry).value = "22"
        await until(pilot, lambda: "from 1 to 65535" not in screen_text(app), "mended")
        assert app.screen.query_one("#server-id", Entry).has_class("-fault")


@pytest.mark.parametrize(
    ("shown", "values", "wrong"),
    [
        (MailboxDialog("example.com", ["a", "b"]), {"address": "x", "quota": "many", "store": "c"}, 3),
        (AliasDialog("example.com"), {"address": "a b", "goto": ""}, 2),
        (QuotaDialog("anna@example.com", ""), {"quota": "many"}, 1),
    ],
    ids=["mailbox", "alias", "quota"],
)
async def test_the_dialogs_of_accounts_mark_all_that_is_wrong(
    make_app: MakeApp, filled: Path, shown: Dialog[Any], values: dict[str, str], wrong: int
) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, shown)
        for name, value in values.items():
            shown.query_one(f"#account-{name}", Entry).value = value
        shown.query_one("#answer-ok", Button).press()
        await until(pilot, lambda: len(shown.query(".row-fault.-shown")) == wrong, "every fault")
        assert len(shown.query("Entry.-fault")) == wrong
        assert app.screen is shown


async def test_saving_where_nothing_can_be_written_keeps_the_path_with_the_reason(
    make_app: MakeApp, filled: Path, tmp_path: Path
) -> None:
    app = make_app(filled)
    done: list[str | None] = []
    (tmp_path / "file").write_text("")

    def write(path: Path) -> None:
        path.write_text("the log")

    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.focused is not None, "start")
        shown = dialog.save_dialog("Save the log", "", tmp_path / "file" / "my.log", write)
        app.push_screen(shown, done.append)
        await until(pilot, lambda: app.screen is shown and app.focused is not None, "dialog")
        await pilot.press("enter")
        await until(pilot, lambda: "Not a directory" in screen_text(app), "the reason")
        entry = shown.query_one("#dialog-entry", Entry)
        assert (entry.value, done) == (str(tmp_path / "file" / "my.log"), [])
        entry.value = str(tmp_path / "my.log")
        await pilot.press("enter")
        await until(pilot, lambda: done == [str(tmp_path / "my.log")], "written")
    assert (tmp_path / "my.log").read_text() == "the log"


@small
async def test_the_question_before_quitting_has_its_buttons_at_every_size(
    make_app: MakeApp, filled: Path, size: tuple[int, int]
) -> None:
    app = make_app(filled)
    question = ChoiceDialog(RUNNING, running_words(app.session), CHOICES)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app, question)
        await pilot.pause()
        shown = grid(app)
        for label in ("Stay here", "Leave it running", "Stop after the"):
            assert label in shown, shown


@small
async def test_four_answers_have_room_too(make_app: MakeApp, filled: Path, size: tuple[int, int]) -> None:
    app = make_app(filled)
    app.session.save_error = "plan.toml: cannot be written: No space left on device"
    question = app._unsaved(lambda: None, "Quit unsaved")
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app, ChoiceDialog(question.title, question.body, question.answers))
        await pilot.pause()
        for _, label in question.answers:
            assert label in grid(app), grid(app)


DIALOGS: dict[str, Dialog[Any]] = {
    "server": ServerDialog(set()),
    "mailbox": MailboxDialog("example.com"),
    "choice": ChoiceDialog("Really?", "What it means.", (("", "No"), ("yes", "Yes"))),
    "line": dialog.TextDialog("Save", "Where to.", "/tmp/x"),
}


@pytest.mark.parametrize("name", DIALOGS)
async def test_help_explains_a_dialog(make_app: MakeApp, filled: Path, name: str) -> None:
    app = make_app(filled)
    shown = DIALOGS[name]
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, shown)
        await pilot.press("f1")
        await until(pilot, lambda: isinstance(app.screen, HelpDialog), "help")
        assert app.screen.heading == shown.heading  # type: ignore[attr-defined]
        words = app.screen.body  # type: ignore[attr-defined]
        assert "Esc" in words
        assert any(label in words for _, label in shown.buttons())
        await pilot.press("f1")
        await until(pilot, lambda: app.screen is shown, "F1 closes it again")


def test_every_dialog_says_something_of_its_own() -> None:
    """Those that ask a question of the moment say it in their text."""
    general = {"Dialog", "FormDialog", "ChoiceDialog", "ConfirmDialog", "HelpDialog"}
    found = set()
    for module in pkgutil.walk_packages(ui.__path__, f"{ui.__name__}."):
        for name, kind in inspect.getmembers(importlib.import_module(module.name), inspect.isclass):
            if issubclass(kind, Dialog) and name not in general:
                assert kind.help_text, name
                found.add(name)
    assert {"ServerDialog", "PasswordDialog", "LabDialog", "HostKeyDialog", "TrafficDialog"} <= found


async def test_the_monitor_says_at_once_that_it_asks(
    make_app: MakeApp, filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded = threading.Event()
    monkeypatch.setattr(navigation, "_load_monitor", loaded.wait)
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.focused is not None, "start")
        await pilot.press("m")
        await until(pilot, lambda: "Opening the monitor" in screen_text(app), "said at once")
        app.post_message(Key("f7", None))
        await pilot.pause()
        assert isinstance(app.screen, StartScreen), "what is typed ahead waits for the monitor"
        shown: list[object] = []
        monkeypatch.setattr(MonitorScreen, "action_leave", lambda self: shown.append(self))
        loaded.set()
        await until(pilot, lambda: isinstance(app.screen, MonitorScreen), "monitor")
        await until(pilot, lambda: shown == [app.screen], "the key typed ahead")


async def test_saving_a_log_comes_back_with_path_and_reason(
    make_app: MakeApp, filled: Path, tmp_path: Path
) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.focused is not None, "start")
        await pilot.press("m")
        await until(pilot, lambda: isinstance(app.screen, MonitorScreen) and app.focused is not None, "monitor")
        await pilot.press("s")
        await until(pilot, lambda: isinstance(app.screen, dialog.TextDialog), "dialog")
        entry = app.screen.query_one("#dialog-entry", Entry)
        assert entry.value.endswith(".log")
        entry.value = "/dev/null/my.log"
        await pilot.press("enter")
        await until(pilot, lambda: "/dev/null/my.log could not be written" in screen_text(app), "the reason")
        assert entry.value == "/dev/null/my.log"
        entry.value = str(tmp_path / "my.log")
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, MonitorScreen), "written")
    assert (tmp_path / "my.log").is_file()
