"""The list of accounts: read from the server, filtered by typing, and read again after each change."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.events import Resize
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.manage.account_entries import AccountBook
from mailwiz_tui.manage.accounts import Accounts
from mailwiz_tui.plan.words import counted
from mailwiz_tui.ui.accounts.account_work import Row, line
from mailwiz_tui.ui.app.main_screen import MainScreen
from mailwiz_tui.ui.session.backends import error_sentence
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup


class AccountListScreen(MainScreen):
    """Shows ``book``, the accounts last read. ``accounts`` is for tests; by default they come from the server."""

    def __init__(self, session: Session, accounts: Accounts | None = None) -> None:
        super().__init__(session)
        self.book = AccountBook()
        self._accounts = accounts
        self._engine: EngineApi | None = None
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
        """Close the connection that was opened for this screen."""
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

    def accounts(self) -> Accounts:
        """The accounts on the plan's server; connects at the first call. Raises ValueError without a plan."""
        if self._accounts is None:
            plan = self.session.plan()
            if plan is None:
                raise ValueError("the plan has faults; the review (F4 in a step) lists them")
            engine = self.session.make_engine(plan, self.wizard.prompts)
            self._engine, self._accounts = engine, Accounts(engine)
        return self._accounts

    def unfinished(self) -> str:
        if not self._busy:
            return ""
        return "The server is still working on the last change. If you quit now, a new password is never shown."

    def say(self, text: str, *, problem: bool = False) -> None:
        """Show under the list what happens or happened."""
        state = self.query_one("#account-state", NoMarkup)
        state.show(text)
        state.set_class(problem, "bad")

    def work(self, doing: str, make: Callable[[Accounts], Awaitable[str]]) -> None:
        """Change something on the server, show the result, and read the accounts again."""
        if self._busy:
            self.say("Please wait: the last change is not finished")
            return
        self._busy = True
        self.say(doing)
        self.run_worker(self._work(make), group="accounts", exit_on_error=False)

    async def _work(self, make: Callable[[Accounts], Awaitable[str]]) -> None:
        try:
            said = await make(self.accounts())
            self.book = await self.accounts().book()
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
        """Draw the accounts that match the filter; the cursor stays on its account."""
        part = self.query_one("#account-filter", Entry).value.strip().lower()
        chosen, at = self.chosen, self._list.highlighted or 0
        boxes = [m for m in self.book.mailboxes if part in m.address or part in m.name.lower()]
        aliases = [a for a in self.book.aliases if part in a.address or any(part in goto for goto in a.goto)]
        self._rows = [*boxes, *([None] if aliases else []), *aliases]
        width = max(self.app.size.width - 4, 56)
        options = [Option(line(row, width, plain=self.wizard.plain), disabled=row is None) for row in self._rows]
        self._list.clear_options()
        self._list.add_options(options)
        same = [i for i, row in enumerate(self._rows) if row and chosen and row.address == chosen.address]
        if self._rows:
            at = same[0] if same else min(at, len(self._rows) - 1)
            self._list.highlighted = at if self._rows[at] is not None else at + 1
        total = f"{counted(len(self.book.mailboxes), 'mailbox')}, {counted(len(self.book.aliases), 'alias')}"
        self.query_one("#account-count", NoMarkup).show(total)

    def on_input_changed(self, event: Entry.Changed) -> None:
        if event.input.id == "account-filter":
            self.draw()

    def on_input_submitted(self, event: Entry.Submitted) -> None:
        if event.input.id == "account-filter":
            self._list.focus()

    def action_refresh_accounts(self) -> None:
        async def read(accounts: Accounts) -> str:
            return ""

        self.work("Reading the accounts…", read)

    def action_find_account(self) -> None:
        self.query_one("#account-filter", Entry).focus()
