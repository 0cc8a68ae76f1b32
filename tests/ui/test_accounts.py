"""The accounts' screen, by keys alone, over accounts that a test holds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from textual.pilot import Pilot
from textual.widgets import OptionList

from mailwiz_tui.deploy.agent_link import AgentError
from mailwiz_tui.manage.account_entries import AccountBook, Added, AliasEntry, DomainEntry, MailboxEntry, Removed
from mailwiz_tui.manage.accounts import Accounts
from mailwiz_tui.manage.mailbox_move import Moved
from mailwiz_tui.ui.accounts.accounts import AccountsScreen
from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.app.start import StartScreen
from mailwiz_tui.ui.widgets.entry import Entry
from tests.ui.fakes import PASSWORD
from tests.ui.grid import check_golden, screen_text, until
from tests.ui.make import MakeApp

GIGA = 1024**3


def box(address: str, name: str = "", quota: int = 0, used: int = 0, *, active: bool = True) -> MailboxEntry:
    return MailboxEntry(address, name, quota, used, used // 50_000, active, "2026-11-22T10:00:00")


class FakeAccounts(Accounts):
    """Accounts in memory; what was asked is kept."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.spread: tuple[str, ...] = ()
        self.error: Exception | None = None
        self.boxes = [
            box("anna@example.com", "Anna Müller", 5 * GIGA, 1_300_000_000),
            box("bob@example.com", "Bob", active=False),
            box("a.very.long.address.that.needs.more.than.its.room@example.com", "Somebody with a long name", GIGA),
            box("postmaster@example.com", "postmaster", 0, 40_000),
        ]
        self.aliases = [
            AliasEntry("@example.com", ("anna@example.com",), True),
            AliasEntry("sales@example.com", ("anna@example.com", "bob@example.com"), True),
        ]

    def _note(self, *what: Any) -> None:
        self.asked.append(what)
        if self.error is not None:
            raise self.error

    async def book(self) -> AccountBook:
        if self.error is not None:
            raise self.error
        domains = (DomainEntry("example.com", True, 4, 2),)
        return AccountBook(domains, tuple(self.boxes), tuple(self.aliases), self.spread)

    async def add(
        self,
        address: str,
        *,
        password: SecretStr | None = None,
        quota: int = 0,
        name: str = "",
        store: str = "",
    ) -> Added:
        where = (store,) if store else ()
        self._note("add", address, quota, name, password.get_secret_value() if password else None, *where)
        self.boxes.append(box(address, name, quota))
        return Added(address, None if password else SecretStr(PASSWORD), store=store)

    async def set_password(self, address: str, password: SecretStr | None = None) -> SecretStr | None:
        self._note("password", address)
        return SecretStr(PASSWORD)

    async def change(
        self, address: str, *, quota: int | None = None, active: bool | None = None, name: str | None = None
    ) -> None:
        self._note("change", address, quota, active)

    async def remove(self, address: str, *, delete_mail: bool = False) -> Removed:
        self._note("remove", address, delete_mail)
        self.boxes = [b for b in self.boxes if b.address != address]
        return Removed(address, "/var/vmail/example.com/anna", delete_mail, ("sales@example.com",))

    async def move(self, address: str, store: str, say: Callable[[str], None] = lambda text: None) -> Moved:
        self._note("move", address, store)
        say("copying")
        return Moved(address, "store1", store, 7, 1.5, "/var/vmail/.mailwiz-trash/anna")

    async def add_alias(self, address: str, goto: list[str]) -> AliasEntry:
        self._note("alias", address, *goto)
        return AliasEntry(address, tuple(goto), True)

    async def remove_alias(self, address: str, goto: list[str] | None = None) -> AliasEntry:
        self._note("no alias", address)
        return AliasEntry(address, (), True)


@pytest.fixture
def accounts() -> FakeAccounts:
    return FakeAccounts()


async def opened(pilot: Pilot[Any], app: MailwizApp, accounts: FakeAccounts) -> AccountsScreen:
    await until(pilot, lambda: app.focused is not None, "start")
    screen = AccountsScreen(app.session, accounts=accounts)
    app.show(screen)
    await until(pilot, lambda: isinstance(app.screen, AccountsScreen) and app.focused is not None, "accounts")
    await until(pilot, lambda: accounts.error is not None or "anna@" in screen_text(app), "the list")
    await pilot.pause()
    return screen


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
async def test_the_list(
    size: tuple[int, int], make_app: MakeApp, filled: Path, accounts: FakeAccounts, update_golden: bool
) -> None:
    app = make_app(filled)
    async with app.run_test(size=size) as pilot:
        await opened(pilot, app, accounts)
        await check_golden(pilot, f"accounts-{size[0]}x{size[1]}", update=update_golden)


async def test_it_is_reached_from_the_start_and_left_again(make_app: MakeApp, filled: Path) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, StartScreen) and app.focused is not None, "start")
        await pilot.press("u")
        await until(pilot, lambda: isinstance(app.screen, AccountsScreen), "accounts")
        await pilot.press("f7")
        await until(pilot, lambda: isinstance(app.screen, StartScreen), "start again")


async def test_adding_a_mailbox_shows_its_password_once(
    make_app: MakeApp, filled: Path, accounts: FakeAccounts, update_golden: bool
) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, accounts)
        await pilot.press("a")
        await until(pilot, lambda: "Add a mailbox" in screen_text(app), "the dialog")
        await pilot.press(*"carl@example.com", "enter", *"Carl", "enter", *"5X", "enter", "enter")
        await until(pilot, lambda: "is not a quota" in screen_text(app), "the refusal")
        await check_golden(pilot, "accounts-add-80x24", update=update_golden)
        await pilot.press("backspace", *"G", "enter", "enter")
        await until(pilot, lambda: PASSWORD in screen_text(app), "the password")
        await pilot.press("enter", "enter", "right", "enter")
        await until(pilot, lambda: "carl@example.com was added" in screen_text(app), "the list")
        assert PASSWORD not in screen_text(app)
    assert accounts.asked == [("add", "carl@example.com", 5 * GIGA, "Carl", None)]


async def test_of_several_stores_one_is_named_for_a_mailbox(
    make_app: MakeApp, filled: Path, accounts: FakeAccounts, update_golden: bool
) -> None:
    accounts.spread = ("store1", "store2")
    places = ("store1", "store2", "store1", "store1")
    accounts.boxes = [replace(b, store=s) for b, s in zip(accounts.boxes, places, strict=True)]
    accounts.boxes[0] = replace(accounts.boxes[0], moving_to="store2")
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, accounts)
        await check_golden(pilot, "accounts-stores-80x24", update=update_golden)
        await pilot.press("a")
        await until(pilot, lambda: "Add a mailbox" in screen_text(app), "the dialog")
        await pilot.press(*"carl@example.com", "enter", "enter", "enter", *"store9", "enter", "enter")
        await until(pilot, lambda: "There is no store “store9”" in screen_text(app), "the refusal")
        await pilot.press("backspace", *"2", "enter", "enter")
        await until(pilot, lambda: PASSWORD in screen_text(app), "the password")
        await pilot.press("enter", "enter", "right", "enter")
        await until(pilot, lambda: "was added on store2" in screen_text(app), "the list")
    assert accounts.asked == [("add", "carl@example.com", 0, "", None, "store2")]


async def test_a_mailbox_moves_to_another_store_and_stays_where_there_is_one(
    make_app: MakeApp, filled: Path, accounts: FakeAccounts
) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, app, accounts)
        assert screen.why_not("accounts.move") == "there is only one store"
        await pilot.press("m")
        await pilot.pause()
        assert app.screen is screen
        accounts.spread = ("store1", "store2", "store3")
        accounts.boxes = [replace(b, store="store1") for b in accounts.boxes]
        accounts.boxes[1] = replace(accounts.boxes[1], moving_to="store2")
        await pilot.press("r")
        await until(pilot, lambda: screen.why_not("accounts.move") == "", "the stores")
        await pilot.press("home", "m")
        await until(pilot, lambda: "Move anna@example.com from store1?" in screen_text(app), "the question")
        await pilot.press("enter")
        await pilot.pause()
        assert accounts.asked == []
        await pilot.press("m")
        await until(pilot, lambda: "To store3" in screen_text(app), "the question")
        await pilot.press("right", "right", "enter")
        await until(pilot, lambda: "was moved from store1 to store3" in screen_text(app), "the end")
        await pilot.press("down", "m")
        await until(pilot, lambda: "Finish moving bob@example.com to store2?" in screen_text(app), "the question")
        await pilot.press("right", "right", "enter")
        await until(pilot, lambda: len(accounts.asked) == 2, "the second move")
    assert accounts.asked == [("move", "anna@example.com", "store3"), ("move", "bob@example.com", "store1")]


async def test_a_typed_password_is_hidden(make_app: MakeApp, filled: Path, accounts: FakeAccounts) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, accounts)
        await pilot.press("a")
        await until(pilot, lambda: "Add a mailbox" in screen_text(app), "the dialog")
        await pilot.press(*"carl@example.com", "enter", "enter", "enter", *"Typed-Canary-1")
        assert "Typed-Canary-1" not in screen_text(app)
        await pilot.press("enter")
        await until(pilot, lambda: bool(accounts.asked), "the request")
    assert accounts.asked == [("add", "carl@example.com", 0, "", "Typed-Canary-1")]


async def test_a_new_password_is_asked_for_twice_and_shown_once(
    make_app: MakeApp, filled: Path, accounts: FakeAccounts
) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, accounts)
        await pilot.press("p")
        await until(pilot, lambda: "A new password for anna@example.com?" in screen_text(app), "the question")
        await pilot.press("enter")
        await pilot.pause()
        assert accounts.asked == []
        await pilot.press("p")
        await until(pilot, lambda: "A new password for" in screen_text(app), "the question")
        await pilot.press("right", "enter")
        await until(pilot, lambda: PASSWORD in screen_text(app), "the password")
        await pilot.press("escape", "right", "enter")
        await until(pilot, lambda: "sessions were ended" in screen_text(app), "the list")
        assert PASSWORD not in screen_text(app)
    assert accounts.asked == [("password", "anna@example.com")]


async def test_removing_asks_and_keeps_the_mail(
    make_app: MakeApp, filled: Path, accounts: FakeAccounts, update_golden: bool
) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, accounts)
        await pilot.press("x")
        await until(pilot, lambda: "Remove anna@example.com?" in screen_text(app), "the question")
        await check_golden(pilot, "accounts-remove-80x24", update=update_golden)
        await pilot.press("enter")
        await pilot.pause()
        assert accounts.asked == []
        await pilot.press("x")
        await until(pilot, lambda: "Remove anna@example.com?" in screen_text(app), "the question")
        await pilot.press("right", "enter")
        await until(pilot, lambda: "kept on the server in /var/vmail" in screen_text(app), "where the mail is")
        assert "sales@example.com" in screen_text(app)
        await pilot.press("x")
        await until(pilot, lambda: "Remove bob@example.com?" in screen_text(app), "the question")
        await pilot.press("right", "right", "enter")
        await until(pilot, lambda: "for good?" in screen_text(app), "the second question")
        await pilot.press("right", "enter")
        await until(pilot, lambda: "removed with its mail" in screen_text(app), "the end")
    assert accounts.asked == [("remove", "anna@example.com", False), ("remove", "bob@example.com", True)]


async def test_filter_quota_use_and_alias(make_app: MakeApp, filled: Path, accounts: FakeAccounts) -> None:
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, accounts)
        await pilot.press("slash", *"bob", "enter")
        await until(pilot, lambda: app.screen.query_one(OptionList).option_count == 3, "bob and his alias")
        await pilot.press("d")
        await until(pilot, lambda: "in use again" in screen_text(app), "bob is back")
        await pilot.press("u")
        await until(pilot, lambda: "Quota of bob" in screen_text(app), "the quota")
        await pilot.press(*"2G", "enter")
        await until(pilot, lambda: "quota 2G" in screen_text(app), "the new quota")
        await pilot.press("l")
        await until(pilot, lambda: "Add an alias" in screen_text(app), "the alias")
        assert isinstance(app.focused, Entry)
        await pilot.press(*"@example.com", "enter", "enter")
        await until(pilot, lambda: "*@example.com leads to" in screen_text(app), "the catch-all")
        await pilot.press("down", "x")
        await until(pilot, lambda: "Remove the alias sales@example.com?" in screen_text(app), "the question")
        await pilot.press("right", "enter")
        await until(pilot, lambda: "was removed" in screen_text(app), "it is gone")
    assert accounts.asked == [
        ("change", "bob@example.com", None, True),
        ("change", "bob@example.com", 2 * GIGA, None),
        ("alias", "@example.com", "bob@example.com"),
        ("no alias", "sales@example.com"),
    ]


async def test_an_error_is_a_sentence_and_the_screen_stays(
    make_app: MakeApp, filled: Path, accounts: FakeAccounts
) -> None:
    accounts.error = AgentError("no mail server is installed here yet", "accounts", "install it first")
    app = make_app(filled)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, app, accounts)
        await until(pilot, lambda: "no mail server is installed here yet" in screen_text(app), "the sentence")
        accounts.error = None
        await pilot.press("r")
        await until(pilot, lambda: "anna@example.com" in screen_text(app), "the list")
