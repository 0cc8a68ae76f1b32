"""The accounts of a running installation: mailboxes and aliases, found by typing and changed by single keys."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import ClassVar

from pydantic import SecretStr
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.screen import Screen
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailwiz_tui.install.accounts import AccountBook, Accounts, AliasEntry, MailboxEntry, shown_address, size_words
from mailwiz_tui.ui.account_work import Row, add_alias, line, move, remove, remove_alias, set_quota
from mailwiz_tui.ui.actions import bindings_for
from mailwiz_tui.ui.backends import error_sentence
from mailwiz_tui.ui.ports import EngineLike
from mailwiz_tui.ui.screens.account_dialogs import (
    AliasDialog,
    MailboxDialog,
    NewAlias,
    NewMailbox,
    PasswordDialog,
    QuotaDialog,
    move_dialog,
)
from mailwiz_tui.ui.screens.dialog import ChoiceDialog, ConfirmDialog
from mailwiz_tui.ui.screens.main_screen import MainScreen
from mailwiz_tui.ui.session import Session
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup


class AccountsScreen(MainScreen):
    """Every change is made on the server at once. ``accounts`` is for tests: by default the server is asked."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("accounts")]
    scopes: tuple[str, ...] = ("accounts",)
    heading = "Accounts"
    help_text = (
        "Mailboxes and aliases of the running mail server. Each change takes effect at once.\n\n"
        "A mailbox that is out of use lets nobody in and takes no mail; its mail stays. Removing one keeps its "
        "mail on the server too, unless you choose otherwise.\n\n"
        "An alias leads to one or more addresses; @domain is a catch-all, which takes what no other address takes. "
        "What follows a + (anna+shop@…) needs no alias.\n\n"
        "Passwords are shown once and stored only as hashes. A new one ends the sessions of the old one."
    )

    def __init__(
        self, session: Session, back: Callable[[], Screen[None]] | None = None, accounts: Accounts | None = None
    ) -> None:
        super().__init__(session)
        self._back = back
        self._accounts = accounts
        self._engine: EngineLike | None = None
        self._book = AccountBook()
        self._rows: list[Row | None] = []
        self._busy = False

    def page(self) -> ComposeResult:
        with Vertical(id="accounts"):
            with Horizontal(id="filter-row"):
                yield NoMarkup("Filter", classes="label")
                yield Entry(placeholder="part of an address or a name", id="account-filter")
                yield NoMarkup("", id="account-count")
            yield OptionList(id="account-list", markup=False, compact=True)
            yield NoMarkup("", id="account-state")

    def on_mount(self) -> None:
        self._list.focus()
        self.action_refresh_accounts()

    async def on_unmount(self) -> None:
        """Drop the connection that was opened for this screen."""
        if self._engine is not None:
            await self._engine.close()

    @property
    def _list(self) -> OptionList:
        return self.query_one("#account-list", OptionList)

    @property
    def chosen(self) -> Row | None:
        """The mailbox or alias under the cursor."""
        at = self._list.highlighted if self._rows else None
        return self._rows[at] if at is not None and at < len(self._rows) else None

    @property
    def domain(self) -> str:
        """The domain that examples are made with."""
        return str(self.session.value("domain.primary_domain") or "example.com")

    def desk(self) -> Accounts:
        """The accounts of the plan's server; connects when it is first asked. Raises ValueError without a plan."""
        if self._accounts is None:
            plan = self.session.plan()
            if plan is None:
                raise ValueError("the plan has faults; see the review")
            engine = self.session.make_engine(plan, self.wizard.prompts)
            self._engine, self._accounts = engine, Accounts(engine)  # type: ignore[arg-type]
        return self._accounts

    def say(self, text: str, *, problem: bool = False) -> None:
        """What happens, or happened, under the list."""
        state = self.query_one("#account-state", NoMarkup)
        state.show(text)
        state.set_class(problem, "bad")

    def work(self, doing: str, make: Callable[[Accounts], Awaitable[str]]) -> None:
        """Do something on the server, say what came of it, and read the accounts anew."""
        if self._busy:
            self.say("One moment: the last change is still being made")
            return
        self._busy = True
        self.say(doing)
        self.run_worker(self._work(make), group="accounts", exit_on_error=False)

    async def _work(self, make: Callable[[Accounts], Awaitable[str]]) -> None:
        try:
            said = await make(self.desk())
            self._book = await self.desk().book()
        except Exception as error:
            self.say(error_sentence(error), problem=True)
        else:
            self.draw()
            self.say(said)
        finally:
            self._busy = False

    def on_resize(self, event: Resize) -> None:
        if self._rows:
            self.draw()

    def draw(self) -> None:
        """Draw what the filter lets through; the cursor stays on its account."""
        part = self.query_one("#account-filter", Entry).value.strip().lower()
        chosen, at = self.chosen, self._list.highlighted or 0
        boxes = [m for m in self._book.mailboxes if part in m.address or part in m.name.lower()]
        aliases = [a for a in self._book.aliases if part in a.address or any(part in goto for goto in a.goto)]
        self._rows = [*boxes, *([None] if aliases else []), *aliases]
        width = max(self.app.size.width - 4, 56)
        options = [Option(line(row, width, plain=self.wizard.plain), disabled=row is None) for row in self._rows]
        self._list.clear_options()
        self._list.add_options(options)
        same = [i for i, row in enumerate(self._rows) if row and chosen and row.address == chosen.address]
        if self._rows:
            at = same[0] if same else min(at, len(self._rows) - 1)
            self._list.highlighted = at if self._rows[at] is not None else at + 1
        total = f"{len(self._book.mailboxes)} mailboxes, {len(self._book.aliases)} aliases"
        self.query_one("#account-count", NoMarkup).show(total)

    def on_input_changed(self, event: Entry.Changed) -> None:
        if event.input.id == "account-filter":
            self.draw()

    def on_input_submitted(self, event: Entry.Submitted) -> None:
        if event.input.id == "account-filter":
            self._list.focus()

    def why_not(self, action_id: str) -> str:
        row, mailbox = self.chosen, isinstance(self.chosen, MailboxEntry)
        if action_id in ("accounts.password", "accounts.quota", "accounts.use") and not mailbox:
            return "choose a mailbox first"
        if action_id == "accounts.move" and not self._book.stores:
            return "there is one store; with several a mailbox can move"
        if action_id == "accounts.move" and not mailbox:
            return "choose a mailbox first"
        if action_id == "accounts.remove" and row is None:
            return "choose a mailbox or an alias first"
        return ""

    def action_refresh_accounts(self) -> None:
        async def read(accounts: Accounts) -> str:
            return ""

        self.work("Asking the server…", read)

    def action_find_account(self) -> None:
        self.query_one("#account-filter", Entry).focus()

    def action_add_mailbox(self) -> None:
        def typed(new: NewMailbox | NewAlias | None) -> None:
            if isinstance(new, NewMailbox):
                self.work(f"Adding {new.address}…", lambda accounts: self._add(accounts, new))

        self.app.push_screen(MailboxDialog(self.domain, self._book.stores), typed)

    async def _add(self, accounts: Accounts, new: NewMailbox) -> str:
        where = {"store": new.store} if new.store else {}
        added = await accounts.add(new.address, password=new.password, quota=new.quota, name=new.name, **where)
        self._show_password(new.address, added.generated)
        found = f"; mail of a former mailbox in {added.found_mail} is in it again" if added.found_mail else ""
        stored = f" on {added.store}" if added.store else ""
        return f"{new.address} was added{stored}{found}"

    def _show_password(self, address: str, password: SecretStr | None) -> None:
        if password is not None:
            self.app.push_screen(PasswordDialog(address, password))

    def action_add_alias(self) -> None:
        row = self.chosen
        address = row.address if isinstance(row, AliasEntry) else ""
        goto = row.address if isinstance(row, MailboxEntry) else ""

        def typed(new: NewMailbox | NewAlias | None) -> None:
            if isinstance(new, NewAlias):
                self.work(f"Adding {new.address}…", lambda accounts: add_alias(accounts, new))

        self.app.push_screen(AliasDialog(self.domain, address, goto), typed)

    def action_new_password(self) -> None:
        row = self.chosen
        if self.refused("accounts.password") or row is None:
            return

        async def change(accounts: Accounts) -> str:
            self._show_password(row.address, await accounts.set_password(row.address))
            return f"{row.address} has a new password; its sessions were ended"

        self._confirm(
            f"A new password for {row.address}?",
            "One is generated and shown once. Whoever uses the old one is logged out.",
            "New password",
            lambda: self.work("Setting a new password…", change),
        )

    def action_set_quota(self) -> None:
        row = self.chosen
        if self.refused("accounts.quota") or not isinstance(row, MailboxEntry):
            return

        def typed(quota: int | None) -> None:
            if quota is not None:
                self.work("Setting the quota…", lambda accounts: set_quota(accounts, row.address, quota))

        self.app.push_screen(QuotaDialog(row.address, size_words(row.quota) if row.quota else ""), typed)

    def action_switch_use(self) -> None:
        row = self.chosen
        if self.refused("accounts.use") or not isinstance(row, MailboxEntry):
            return

        async def switch(accounts: Accounts) -> str:
            await accounts.change(row.address, active=not row.active)
            return f"{row.address} is {'out of use: no login, no mail in' if row.active else 'in use again'}"

        if row.active:
            explain = "Nobody can log in and no mail is taken until it is in use again. Its mail stays."
            self._confirm(f"Take {row.address} out of use?", explain, "Out of use", lambda: self.work("…", switch))
        else:
            self.work("Taking it into use…", switch)

    def action_move_mailbox(self) -> None:
        row = self.chosen
        if self.refused("accounts.move") or not isinstance(row, MailboxEntry):
            return

        def answered(store: str | None) -> None:
            if store:
                work = partial(move, address=row.address, store=store, say=self.say)
                self.work(f"Moving {row.address}…", work)

        self.app.push_screen(move_dialog(row, self._book.stores), answered)

    def action_remove_account(self) -> None:
        row = self.chosen
        if self.refused("accounts.remove") or row is None:
            return
        if isinstance(row, AliasEntry):
            self._confirm(
                f"Remove the alias {shown_address(row.address)}?",
                f"It leads to {', '.join(row.goto)}.",
                "Remove",
                lambda: self.work("Removing…", lambda accounts: remove_alias(accounts, row.address)),
            )
            return

        def answered(answer: str | None) -> None:
            if answer == "keep":
                self.work("Removing…", lambda accounts: remove(accounts, row.address, delete_mail=False))
            elif answer == "delete":
                self._confirm(
                    f"Delete all mail of {row.address} for good?",
                    f"{row.messages} messages, {size_words(row.used)}. This cannot be undone.",
                    "Delete",
                    lambda: self.work(
                        "Deleting…", lambda accounts: remove(accounts, row.address, delete_mail=True)
                    ),
                )

        self.app.push_screen(
            ChoiceDialog(
                f"Remove {row.address}?",
                "Its address takes no more mail and nobody can log in.",
                (("", "Cancel"), ("keep", "Remove, keep its mail"), ("delete", "Delete its mail too")),
            ),
            answered,
        )

    def _confirm(self, title: str, body: str, yes: str, then: Callable[[], None]) -> None:
        def answered(said: bool | None) -> None:
            if said:
                then()

        self.app.push_screen(ConfirmDialog(title, body, yes=yes, no="Cancel"), answered)

    def action_leave_accounts(self) -> None:
        from mailwiz_tui.ui.screens.start import StartScreen

        self.wizard.show(self._back() if self._back else StartScreen(self.session))
