"""Nothing that was typed is lost: a full disk, a file changed outside, a password shown once."""

from __future__ import annotations

import os
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from textual.pilot import Pilot

from mailwiz_tui.plan.draft import Draft
from mailwiz_tui.ui.accounts.accounts import AccountsScreen
from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.app.start import StartScreen
from mailwiz_tui.ui.dialogs.account_dialogs import PasswordDialog
from mailwiz_tui.ui.dialogs.dialog import ChoiceDialog, TextDialog
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.form_field import FormField
from mailwiz_tui.ui.wizard.step_screen import StepScreen
from tests.ui.fakes import PASSWORD, Script
from tests.ui.grid import grid, screen_text, until
from tests.ui.journeys import install, succeed
from tests.ui.make import MakeApp
from tests.ui.test_accounts import FakeAccounts
from tests.ui.test_steps import field, goto, saved_in


class Disk:
    """A disk that can be full, for the folder of a plan."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
        self.full = False
        self.folder = folder
        self._write = tempfile.mkstemp
        monkeypatch.setattr("mailwiz_tui.plan.files.tempfile.mkstemp", self.make)

    def make(self, **how: Any) -> tuple[int, str]:
        """A temporary file, where there is room."""
        if self.full and Path(how["dir"]) == self.folder:
            raise OSError(28, "No space left on device")
        made: tuple[int, str] = self._write(**how)
        return made


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch, plan_path: Path) -> Disk:
    """The disk that the plan is on."""
    return Disk(monkeypatch, plan_path.parent)


async def type_unsaved(pilot: Pilot[Any], app: MailwizApp, disk: Disk) -> StepScreen:
    """Type a domain that cannot be saved."""
    screen = await goto(pilot, app, "domains")
    disk.full = True
    await pilot.press(*"lost.example")
    await until(pilot, lambda: "No space left on device" in screen_text(app), "the reason")
    return screen


@pytest.mark.parametrize("size", [(80, 24), (60, 20)], ids=["80x24", "60x20"])
async def test_why_it_is_not_saved_stays_on_every_screen(
    make_app: MakeApp, filled: Path, disk: Disk, size: tuple[int, int]
) -> None:
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        await type_unsaved(pilot, app, disk)
        for key in ("f8", "f4", "f7"):
            former = app.screen
            await pilot.press(key)
            await until(pilot, lambda former=former: app.screen is not former, key)  # type: ignore[misc]
            await until(pilot, lambda: "No space left on device" in screen_text(app), f"the reason after {key}")
            assert "NOT SAVED" in screen_text(app), grid(app)
        disk.full = False

        def looked() -> bool:
            app.look_at_plan_file()  # a timer does it in the program
            return "NOT SAVED" not in screen_text(app)

        await until(pilot, looked, "saved by itself once there is room")
    assert saved_in(filled)["domain"]["primary_domain"] == "lost.example"


async def test_leaving_with_unsaved_answers_asks_and_tries_again(
    make_app: MakeApp, filled: Path, disk: Disk
) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await type_unsaved(pilot, app, disk)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "The answers are not saved" in screen_text(app), "the question")
        assert "No space left on device" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: isinstance(app.screen, StepScreen), "escape stays")
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the question")
        former = app.screen
        await pilot.press("right", "enter")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog) and app.screen is not former, "asks again")
        disk.full = False
        await pilot.press("right", "enter")
        await pilot.pause(0.2)
    assert app.return_code == 0
    assert saved_in(filled)["domain"]["primary_domain"] == "lost.example"


async def test_unsaved_answers_are_saved_elsewhere_and_the_program_goes_on_there(
    make_app: MakeApp, filled: Path, disk: Disk, tmp_path: Path
) -> None:
    app = make_app(filled)
    taken, free = tmp_path / "taken.toml", tmp_path / "usb" / "plan.toml"
    taken.write_text("kept")
    async with app.run_test(size=(80, 24)) as pilot:
        await type_unsaved(pilot, app, disk)
        await pilot.press("ctrl+q")
        await until(pilot, lambda: isinstance(app.screen, ChoiceDialog), "the question")
        await pilot.press("right", "right", "enter")
        await until(pilot, lambda: isinstance(app.screen, TextDialog), "where to")
        entry = app.screen.query_one("#dialog-entry", Entry)
        for place, said in ((taken, "exists already"), (filled.parent / "x.toml", "No space left on device")):
            entry.value = str(place)
            await pilot.press("enter")
            await until(pilot, lambda said=said: said in screen_text(app), said)  # type: ignore[misc]
            assert entry.value == str(place)
        entry.value = str(free)
        await pilot.press("enter")
        await pilot.pause(0.2)
    assert app.return_code == 0
    assert app.session.path == free
    assert saved_in(free)["domain"]["primary_domain"] == "lost.example"
    assert saved_in(filled)["domain"]["primary_domain"] == "example.com"
    assert taken.read_text() == "kept"


async def test_another_plan_does_not_take_unsaved_answers_away_unasked(
    make_app: MakeApp, filled: Path, disk: Disk
) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await type_unsaved(pilot, app, disk)
        app.show_start()
        await until(pilot, lambda: isinstance(app.screen, StartScreen) and app.focused is not None, "start")
        await pilot.press("n")
        await until(pilot, lambda: "The answers are not saved" in screen_text(app), "the question")
        await pilot.press("escape")
        assert app.session.value("domain.primary_domain") == "lost.example"


def told(app: MailwizApp) -> str:
    """What toasts say."""
    return " ".join(note.message for note in app._notifications)


def outside(path: Path, key: str, value: object) -> None:
    """Another program changes the plan file."""
    Draft.open(path).set(key, value)


async def test_a_plan_changed_outside_is_said_and_shown(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        screen = await goto(pilot, app, "domains")
        outside(filled, "domain.hostname", "mx7.example.com")
        app.look_at_plan_file()
        said = "plan.toml was changed by another program: domain.hostname is now mx7.example.com"
        await until(pilot, lambda: said in told(app), "said")
        control = field(screen, "domain.hostname").control
        assert isinstance(control, Entry)
        assert control.value == "mx7.example.com"
        await pilot.press("f8")
        await until(pilot, lambda: "4/8" in screen_text(app), "next step")
    assert saved_in(filled)["domain"]["hostname"] == "mx7.example.com"


async def test_what_is_being_typed_stays_when_another_key_changes_outside(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "domains")
        await pilot.press("end", *".uk")
        outside(filled, "domain.hostname", "mx7.example.com")
        app.look_at_plan_file()
        await pilot.press(*"x")
        await until(pilot, lambda: app.session.value("domain.hostname") == "mx7.example.com", "taken over")
        assert app.session.value("domain.primary_domain") == "example.com.ukx"
        assert field(screen, "domain.primary_domain").value == "example.com.ukx"


async def test_domains_and_servers_that_come_from_outside_are_drawn(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 30)) as pilot:
        await goto(pilot, app, "domains")
        outside(filled, "domain.additional_domains", [{"name": "example.org"}])
        app.look_at_plan_file()
        await until(pilot, lambda: len(app.screen.query(FormField)) == 5, "a group of fields")
        await until(pilot, lambda: "example.org" in screen_text(app), "its name")
        await goto(pilot, app, "roles")
        outside(filled, "servers", [{"id": "store1", "roles": ["all-in-one"]}])
        app.look_at_plan_file()
        await until(pilot, lambda: "(*) store1" in screen_text(app), "the other server")


async def test_the_same_key_changed_here_and_outside_is_asked_about(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await goto(pilot, app, "domains")
        outside(filled, "domain.primary_domain", "theirs.example")
        await pilot.press(*"m")
        await until(pilot, lambda: "Changed here and by another program" in screen_text(app), "the question")
        assert "in the file: theirs.example" in screen_text(app)
        await until(pilot, lambda: app.focused is not None, "keys meant for the form answer nothing")
        await pilot.press("right", "enter")
        await until(pilot, lambda: app.session.value("domain.primary_domain") == "theirs.example", "theirs")
        await until(pilot, lambda: field(screen, "domain.primary_domain").value == "theirs.example", "shown")
    assert saved_in(filled)["domain"]["primary_domain"] == "theirs.example"


def spoil(path: Path) -> None:
    """Another program leaves something that is no plan."""
    path.write_text("no toml [")


async def test_a_file_that_is_no_plan_any_more_is_said_and_kept(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "domains")
        spoil(filled)
        app.look_at_plan_file()
        await until(pilot, lambda: "is not TOML" in screen_text(app), "said")
        await pilot.press("x")
        await until(pilot, lambda: "NOT SAVED" in screen_text(app), "not saved")
    with pytest.raises(tomllib.TOMLDecodeError):
        saved_in(filled)


async def test_a_file_that_was_removed_is_said_and_comes_back(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "domains")
        os.remove(filled)
        app.look_at_plan_file()
        await until(pilot, lambda: "was removed while it was open" in screen_text(app), "said")
        await pilot.press(*"new.example")
        await until(pilot, lambda: "was removed" not in screen_text(app), "written again")
    assert saved_in(filled)["domain"] == {"primary_domain": "new.example", "hostname": "mail.example.com"}


async def show_password(pilot: Pilot[Any], app: MailwizApp) -> None:
    """A generated password, over the accounts."""
    await until(pilot, lambda: app.focused is not None, "start")
    app.show(AccountsScreen(app.session, accounts=FakeAccounts()))
    await until(pilot, lambda: "anna@example.com" in screen_text(app), "accounts")
    app.push_screen(PasswordDialog("anna@example.com", SecretStr(PASSWORD)))
    await until(pilot, lambda: PASSWORD in screen_text(app) and app.focused is not None, "the password")


@pytest.mark.parametrize("key", ["escape", "ctrl+q"])
async def test_the_only_showing_of_a_password_is_not_closed_unasked(
    make_app: MakeApp, filled: Path, key: str
) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await show_password(pilot, app)
        await pilot.press(key)
        await until(pilot, lambda: "Do you have the password?" in screen_text(app), "the question")
        assert "It was not copied" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(app.screen, PasswordDialog), "no is the default")
        assert PASSWORD in screen_text(app)
        await pilot.press(key)
        await until(pilot, lambda: "Do you have the password?" in screen_text(app), "again")
        await pilot.press("right", "enter")
        await until(pilot, lambda: not isinstance(app.screen, PasswordDialog) or not app.is_running, "closed")
        await pilot.pause(0.1)
    assert (app.return_code == 0) == (key == "ctrl+q")


async def test_a_password_is_copied_by_a_key(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await show_password(pilot, app)
        await pilot.press("c")
        await until(pilot, lambda: app.clipboard == PASSWORD, "copied")
        await until(pilot, lambda: "sent to the terminal's clipboard" in told(app), "told")
        await pilot.press("enter")
        await until(pilot, lambda: "Do you have the password?" in screen_text(app), "I have it asks too")


async def test_accounts_are_not_left_while_a_password_is_being_made(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(pilot, lambda: app.focused is not None, "start")
        screen = AccountsScreen(app.session, accounts=FakeAccounts())
        app.show(screen)
        await until(pilot, lambda: "anna@example.com" in screen_text(app), "accounts")
        screen._busy = True
        await pilot.press("f7")
        await until(pilot, lambda: "the last change is not finished" in told(app), "told")
        assert app.screen is screen
        await pilot.press("ctrl+q")
        await until(pilot, lambda: "A change is not finished" in screen_text(app), "asked")


async def test_first_passwords_and_recovery_keys_are_copied_one_after_the_other(
    make_app: MakeApp, filled: Path, script: Script
) -> None:
    succeed(script)
    script.accounts = {"postmaster@example.com": SecretStr(PASSWORD)}
    script.backup_keys = {"mx1": SecretStr("AGE-SECRET-KEY-1")}
    app = make_app(filled)
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await install(pilot, app)
        await until(pilot, lambda: "Enter shows the results" in screen_text(app), "done")
        await pilot.press("enter")
        await until(pilot, lambda: PASSWORD in screen_text(app), "the passwords")
        await pilot.press("c")
        await until(pilot, lambda: app.clipboard == PASSWORD, "the first")
        assert "C again copies Recovery key of the backup of mx1" in told(app)
        await pilot.press("c")
        await until(pilot, lambda: app.clipboard == "AGE-SECRET-KEY-1", "the second")
