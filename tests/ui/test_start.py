"""The start screen, help, palette, small windows, signals of state, and what must never be on a screen."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from textual.pilot import Pilot
from textual.widgets import OptionList

from mailwiz_tui.deploy.prompts import HostKey
from mailwiz_tui.ui.app.actions import ACTIONS
from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.app.crash import crash_line, crash_report
from mailwiz_tui.ui.app.leaving import way_back
from mailwiz_tui.ui.app.start import StartScreen
from mailwiz_tui.ui.dialogs import dialog
from mailwiz_tui.ui.dialogs.dialog import Dialog
from mailwiz_tui.ui.session.paths import load_recent
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.terminal import capabilities
from mailwiz_tui.ui.terminal.text import safe_line
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from tests.ui.fakes import PASSWORD, Script, backends
from tests.ui.grid import SIZES, check_golden, grid, screen_text, until
from tests.ui.make import MakeApp

KEYS = (HostKey("ssh-ed25519", "SHA256:abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"),)


async def started(pilot: Pilot[Any], app: MailwizApp) -> None:
    """Wait for the start screen."""
    await until(pilot, lambda: isinstance(app.screen, StartScreen) and app.focused is not None, "start screen")


async def open_dialog(pilot: Pilot[Any], app: MailwizApp) -> None:
    """Wait until a dialog that came up by itself takes keys."""
    await until(pilot, lambda: isinstance(app.screen, Dialog) and app.focused is not None, "dialog takes keys")


@pytest.mark.parametrize("size", SIZES, ids=lambda s: f"{s[0]}x{s[1]}")
async def test_start_without_servers(size: tuple[int, int], make_app: MakeApp, update_golden: bool) -> None:
    app = make_app(Path("plan.toml"))
    async with app.run_test(size=size) as pilot:
        await started(pilot, app)
        await check_golden(pilot, f"start-empty-{size[0]}x{size[1]}", update=update_golden)


async def test_start_offers_to_continue_a_draft(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        assert "Continue with plan.toml" in screen_text(app)
        assert "3 servers" in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "architecture", "first step")


async def test_a_new_plan_keeps_the_former_draft(make_app: MakeApp, tmp_path: Path) -> None:
    drafts = tmp_path / "data" / "mailwiz-tui" / "drafts"
    drafts.mkdir(parents=True)
    (drafts / "plan.toml").write_text('version = 1\n[domain]\nprimary_domain = "former.example"\n')
    app = make_app(None)
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        await pilot.press("n")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "architecture", "first step")
        assert app.session.value("domain.primary_domain") is None
    assert holds(drafts, "former.example") == 1


async def test_a_new_plan_keeps_the_servers(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        await pilot.press("n")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "architecture", "new plan")
        assert app.session.inventory.source == filled.with_name("inventory.toml")
        new = app.session.path
    assert Session(new, None, backends(Script())).inventory.servers == (), "an empty plan is not remembered"
    new.parent.mkdir(parents=True, exist_ok=True)
    new.write_text("version = 1\n")
    assert len(Session(new, None, backends(Script())).inventory.servers) == 3, "at the next start, too"


def test_a_plan_finds_its_inventory_from_every_folder(
    filled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hosts = filled.with_name("inventory.toml").rename(tmp_path / "hosts.toml")
    monkeypatch.chdir(filled.parent)
    Session(Path("plan.toml"), Path("../hosts.toml"), backends(Script())).use_inventory(Path("../hosts.toml"))
    monkeypatch.chdir(tmp_path)
    for plan in (filled, filled.relative_to(tmp_path)):
        session = Session(plan, None, backends(Script()))
        assert session.inventory.source is not None
        assert session.inventory.source.samefile(hosts)
        assert all("--inventory" in command for command in way_back(session))


def test_a_plan_remembered_from_an_unknown_folder_is_not_offered(filled: Path, tmp_path: Path) -> None:
    kept = tmp_path / "data" / "mailwiz-tui" / "recent.json"
    kept.parent.mkdir(parents=True)
    (tmp_path / "plan.toml").write_text("version = 1\n")
    kept.write_text(
        json.dumps([{"plan": "plan.toml", "inventory": None}, {"plan": str(filled), "inventory": None}])
    )
    assert [recent.plan for recent in load_recent()] == [filled]


def holds(folder: Path, text: str) -> int:
    """How many plan files below a folder hold a text."""
    return sum(text in path.read_text() for path in folder.glob("plan-*.toml"))


async def test_after_a_new_plan_the_former_one_is_offered_again(
    make_app: MakeApp, filled: Path, tmp_path: Path
) -> None:
    inventory = filled.with_name("inventory.toml")
    app = make_app(filled)
    async with app.run_test(size=(120, 40)) as pilot:
        await started(pilot, app)
        await pilot.press("n")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "architecture", "new plan")
        assert app.session.path != filled
        app.show_start()
        await until(pilot, lambda: f"Open {filled}" in screen_text(app), "the former one, from where it was")
        assert next(r.inventory for r in load_recent() if r.plan == filled) == inventory
        app.session.set("domain.primary_domain", "second.example")
        app.show_start()
        await started(pilot, app)
        await pilot.press("n")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "architecture", "another new plan")
        app.show_start()
        await started(pilot, app)
        kept = [r for r in load_recent() if r.plan.name.startswith("plan-2")]
        assert len(kept) == 1
        assert "second.example" in kept[0].plan.read_text()
        # a long path goes on in the next row
        shown = kept[0].plan.name
        await until(pilot, lambda: shown in "".join(screen_text(app).split()), "the one that was put aside")


async def test_a_named_plan_that_does_not_exist_yet_is_used(make_app: MakeApp, tmp_path: Path) -> None:
    app = make_app(tmp_path / "customer.toml")
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        await pilot.press("enter")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "architecture", "first step")
        await pilot.press("right", "left")
        await pilot.pause()
        assert app.session.path == tmp_path / "customer.toml"
    assert app.session.path.is_file()


@pytest.mark.parametrize("size", [(59, 24), (80, 19), (1, 1), (20, 5)])
async def test_a_tiny_window_shows_a_card_and_recovers(
    size: tuple[int, int], make_app: MakeApp, filled: Path
) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        app.show_step("security")
        await until(pilot, lambda: isinstance(app.focused, object) and app.screen.focused is not None, "step")
        focused = app.focused
        await pilot.resize_terminal(*size)
        await pilot.pause()
        if size[0] > 30:
            assert "too small" in grid(app)
        await pilot.resize_terminal(80, 24)
        await until(pilot, lambda: "Security" in grid(app) and "too small" not in grid(app), "whole again")
        assert app.focused is focused


async def test_help_explains_fields_and_keys(make_app: MakeApp, filled: Path, update_golden: bool) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        app.show_step("security")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "security", "step")
        await until(pilot, lambda: app.focused is not None, "focus")
        await pilot.press("f1")
        await until(pilot, lambda: "CERTIFICATE" in screen_text(app), "help of the field with the focus")
        await check_golden(pilot, "help-security-80x24", update=update_golden)
        text = str(app.screen.query_one("#dialog-text", NoMarkup).content)
        for words in (
            "goes to the receiver's spam folder",
            "A selector distinguishes the keys of your domain",
            "needs a domain signed with DNSSEC",
            "Mail from any server that is not listed fails",
            "Three DNS records protect your domain",
            "RFC 9989",
        ):
            assert words in " ".join(text.split()), words
        assert max(len(row) for row in text.splitlines()) <= 71
        await pilot.press("escape")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "security", "closed")


async def test_the_palette_lists_every_action_of_the_screen(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        app.show_review()
        await until(pilot, lambda: "Review" in grid(app), "review")
        titles = [command.title for command in app.get_system_commands(app.screen)]
        assert "Install (F8)" in titles
        assert "Compare (F5)" in titles
        await pilot.press("ctrl+p")
        await pilot.press(*"steps")
        await pilot.pause(0.3)
        await pilot.press("escape")
        await pilot.pause()


def test_no_key_is_bound_twice_in_one_place_or_taken_by_terminals() -> None:
    forbidden = {"ctrl+b", "ctrl+a", "ctrl+h", "ctrl+i", "ctrl+m", "ctrl+j", "ctrl+space", "f11", "f12"}
    for scope in {a.scope for a in ACTIONS}:
        keys = [k for a in ACTIONS if a.scope in (scope, "app") for k in a.key.split(",")]
        assert len(keys) == len(set(keys)), scope
        assert not forbidden & set(keys)
    for scope in ("roles", "dns", "domains"):
        keys = [k for a in ACTIONS if a.scope in (scope, "app", "step") for k in a.key.split(",")]
        assert len(keys) == len(set(keys)), scope


def test_every_action_has_its_method() -> None:
    from mailwiz_tui.ui.accounts.accounts import AccountsScreen
    from mailwiz_tui.ui.dialogs.account_dialogs import PasswordDialog
    from mailwiz_tui.ui.dialogs.dns_dialog import DnsDialog
    from mailwiz_tui.ui.dialogs.traffic_dialog import TrafficDialog
    from mailwiz_tui.ui.installation.dashboard import DashboardScreen
    from mailwiz_tui.ui.installation.verification import VerificationScreen
    from mailwiz_tui.ui.logs.log_actions import LogScreen
    from mailwiz_tui.ui.monitoring.monitor import MonitorScreen
    from mailwiz_tui.ui.review.review import ReviewScreen
    from mailwiz_tui.ui.wizard import step_screens
    from mailwiz_tui.ui.wizard.step_screen import StepScreen

    owners: dict[str, type] = {
        "app": MailwizApp,
        "start": StartScreen,
        "review": ReviewScreen,
        "run": DashboardScreen,
        "verify": VerificationScreen,
        "accounts": AccountsScreen,
        "dialog": Dialog,
        "password": PasswordDialog,
        "records": DnsDialog,
        "monitor": MonitorScreen,
        "traffic": TrafficDialog,
        "log": LogScreen,
        "step": StepScreen,
        **{name: step_screens.OWN_SCREENS[name] for name in ("roles", "dns", "domains")},
    }
    for action in ACTIONS:
        assert hasattr(owners[action.scope], f"action_{action.name}"), action.id


async def test_an_unknown_host_key_is_shown_and_no_is_the_default(
    make_app: MakeApp, filled: Path, update_golden: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dialog, "GRACE_SECONDS", 600.0)
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        question = asyncio.create_task(app.prompts.confirm_host_key("mx1", "192.0.2.21:22", KEYS))
        await until(pilot, lambda: isinstance(app.screen, Dialog), "dialog")
        await pilot.press("enter", "y", "right", "enter")
        assert not question.done(), "keys meant for the screen below must not answer"
        assert isinstance(app.screen, Dialog)
        app.screen._open()
        monkeypatch.setattr(dialog, "GRACE_SECONDS", 0.1)
        await open_dialog(pilot, app)
        assert KEYS[0].fingerprint in grid(app)
        await check_golden(pilot, "host-key-80x24", update=update_golden)
        await pilot.press("enter")
        assert await question is False
        question = asyncio.create_task(app.prompts.confirm_host_key("mx1", "192.0.2.21:22", KEYS))
        await until(pilot, lambda: isinstance(app.screen, Dialog), "dialog again")
        await open_dialog(pilot, app)
        await pilot.press("right", "enter")
        assert await question is True


async def test_a_password_never_shows_and_comes_back_as_a_secret(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        question = asyncio.create_task(app.prompts.sudo_password("mx1", "ops", 1))
        await until(pilot, lambda: isinstance(app.screen, Dialog), "dialog")
        await open_dialog(pilot, app)
        assert isinstance(app.focused, Entry)
        await pilot.press(*PASSWORD.replace("-", ""))
        assert PASSWORD.replace("-", "") not in grid(app)
        await pilot.press("enter")
        answer = await question
        assert isinstance(answer, SecretStr)
        assert answer.get_secret_value() == PASSWORD.replace("-", "")
        assert await app.prompts.sudo_password("mx1", "ops", 1) == answer, "not asked a second time"
        second = asyncio.create_task(app.prompts.password("mx1", "ops", 2))
        await until(pilot, lambda: isinstance(app.screen, Dialog), "dialog")
        await open_dialog(pilot, app)
        assert "rejected" in screen_text(app)
        await pilot.press("escape")
        assert await second is None


async def test_questions_come_one_after_the_other(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        first = asyncio.create_task(app.prompts.confirm_host_key("mx1", "a", KEYS))
        second = asyncio.create_task(app.prompts.confirm_host_key("mx2", "b", KEYS))
        for question, name in ((first, "mx1"), (second, "mx2")):
            await until(pilot, lambda name=name: f"host key of {name}" in screen_text(app), name)  # type: ignore[misc]
            await open_dialog(pilot, app)
            await pilot.press("escape")
            assert await question is False


async def test_a_broken_inventory_is_told_not_raised(make_app: MakeApp, plan_path: Path) -> None:
    (plan_path.parent / "inventory.toml").write_text("[[servers]]\nid = 5\nhost = [")
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        await until(pilot, lambda: "inventory.toml" in screen_text(app).replace(" ", ""), "what is wrong with it")
        assert app.screen.query_one(OptionList).option_count > 0


def test_a_crash_report_holds_places_but_no_values() -> None:
    def fails(password: str) -> None:
        raise ValueError(f"bad password {password}")

    try:
        fails(PASSWORD)
    except ValueError as error:
        report = crash_report(error)
        line = crash_line(error, None)
    assert "fails" in report
    assert "ValueError" in report
    assert PASSWORD not in report
    assert PASSWORD not in line


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("plain [red]x[/]", "plain [red]x[/]"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07after", "after"),
        ("\x1b]52;c;eA==\x1b\\after", "after"),
        ("\x1bP1;2q~~\x1b\\after", "after"),
        ("\x9b31mred", "red"),
        ("\x1b]never ends", ""),
        ("a\tb", "a       b"),
        ("1%\r2%\r", "2%"),
        ("bell\x07 null\x00", "bell null"),
        ("\u202etxt.exe", "txt.exe"),
    ],
)
def test_text_for_the_screen_is_safe(raw: str, shown: str) -> None:
    assert safe_line(raw) == shown


def test_escape_delay_is_longer_over_ssh_only() -> None:
    far: dict[str, str] = {"SSH_CONNECTION": "x"}
    near: dict[str, str] = {}
    capabilities.prepare_environment(far)
    capabilities.prepare_environment(near)
    assert far["ESCDELAY"] == "300"
    assert "ESCDELAY" not in near
    chosen = {"SSH_CONNECTION": "x", "ESCDELAY": "50"}
    capabilities.prepare_environment(chosen)
    assert chosen["ESCDELAY"] == "50"


async def test_hosts_of_the_ssh_configuration_are_used_and_remembered(
    make_app: MakeApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / ".ssh" / "config"
    config.parent.mkdir(mode=0o700)
    config.write_text("Host mx1\n  HostName 192.0.2.21\n  User ops\n")
    plan = tmp_path / "plan.toml"
    app = make_app(plan)
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        await pilot.press("s")
        await until(pilot, lambda: [s.id for s in app.session.inventory.servers] == ["mx1"], "hosts")
        await pilot.press("n")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "architecture", "first step")
        await pilot.press("right", "left")
        await pilot.pause()
    again = make_app(plan)
    assert [s.host for s in again.session.inventory.servers] == ["192.0.2.21"]


async def test_an_inventory_that_is_not_there_is_told(make_app: MakeApp, filled: Path, tmp_path: Path) -> None:
    app = make_app(filled, tmp_path / "nowhere.toml")
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        assert "nowhere.toml" in screen_text(app).replace(" ", ""), grid(app)


def spoil(path: Path) -> None:
    """Another program leaves the file as no TOML."""
    path.write_text("version = [ broken")


async def test_a_draft_that_cannot_be_saved_is_said_loudly(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await started(pilot, app)
        app.show_step("storage")
        await until(pilot, lambda: getattr(app.screen, "step_id", "") == "storage", "step")
        spoil(filled)
        await pilot.press("right")
        await until(pilot, lambda: "NOT SAVED" in screen_text(app), "the warning")
