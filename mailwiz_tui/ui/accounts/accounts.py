"""The accounts screen: mailboxes and aliases of a running installation, changed by single keys."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar

from pydantic import SecretStr
from textual.binding import BindingType
from textual.screen import Screen

from mailwiz_tui.manage.account_entries import AliasEntry, MailboxEntry
from mailwiz_tui.manage.account_words import shown_address, size_words
from mailwiz_tui.manage.accounts import Accounts
from mailwiz_tui.plan.words import counted
from mailwiz_tui.ui.accounts.account_list import AccountListScreen
from mailwiz_tui.ui.accounts.account_work import add_alias, move, remove, remove_alias, set_quota
from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.dialogs.account_dialogs import (
    AliasDialog,
    MailboxDialog,
    NewAlias,
    NewMailbox,
    PasswordDialog,
    QuotaDialog,
    move_dialog,
)
from mailwiz_tui.ui.dialogs.dialog import ChoiceDialog, ConfirmDialog
from mailwiz_tui.ui.session.session import Session


class AccountsScreen(AccountListScreen):
    """The actions on the listed accounts; every change is made on the server at once."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("accounts")]
    scopes: tuple[str, ...] = ("accounts",)
    heading = "Accounts"
    help_text = (
        "Mailboxes and aliases of the running mail server. Each change takes effect at once.\n\n"
        "A mailbox out of use has no login and accepts no mail; its mail stays. If you remove a mailbox, its mail "
        "stays on the server too, unless you choose to delete it.\n\n"
        "An alias leads to one or more addresses. @domain is a catch-all: it gets mail for unknown addresses. "
        "Addresses with a + part (anna+shop@…) need no alias.\n\n"
        "Passwords are shown once and stored only as hashes. A new password ends all open sessions."
    )

    def __init__(
        self, session: Session, back: Callable[[], Screen[None]] | None = None, accounts: Accounts | None = None
    ) -> None:
        super().__init__(session, accounts)
        self._back = back

    @property
    def domain(self) -> str:
        """The domain for examples."""
        return str(self.session.value("domain.primary_domain") or "example.com")

    def why_not(self, action_id: str) -> str:
        row, mailbox = self.chosen, isinstance(self.chosen, MailboxEntry)
        if action_id == "accounts.back":
            return "the last change is not finished; please wait" if self.unfinished() else ""
        if action_id in ("accounts.password", "accounts.quota", "accounts.use") and not mailbox:
            return "choose a mailbox first"
        if action_id == "accounts.move" and not self.book.stores:
            return "there is only one store"
        if action_id == "accounts.move" and not mailbox:
            return "choose a mailbox first"
        if action_id == "accounts.remove" and row is None:
            return "choose a mailbox or an alias first"
        return ""

    def action_add_mailbox(self) -> None:
        def typed(new: NewMailbox | NewAlias | None) -> None:
            if isinstance(new, NewMailbox):
                self.work(f"Adding {new.address}…", lambda accounts: self._add(accounts, new))

        self.app.push_screen(MailboxDialog(self.domain, self.book.stores), typed)

    async def _add(self, accounts: Accounts, new: NewMailbox) -> str:
        where = {"store": new.store} if new.store else {}
        added = await accounts.add(new.address, password=new.password, quota=new.quota, name=new.name, **where)
        self._show_password(added.address, added.generated)
        found = f"; it contains the mail of a removed mailbox, from {added.found_mail}" if added.found_mail else ""
        store = f" on {added.store}" if added.store else ""
        return f"{new.address} was added{store}{found}"

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
            "A password is generated and shown once. All open sessions of the mailbox end.",
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
            return f"{row.address} is {'out of use: no login, no incoming mail' if row.active else 'in use again'}"

        if row.active:
            explain = "It has no login and accepts no mail until you take it into use again. Its mail stays."
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

        self.app.push_screen(move_dialog(row, self.book.stores), answered)

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
                    f"{counted(row.messages, 'message')}, {size_words(row.used)}. This cannot be undone.",
                    "Delete",
                    lambda: self.work(
                        "Deleting…", lambda accounts: remove(accounts, row.address, delete_mail=True)
                    ),
                )

        self.app.push_screen(
            ChoiceDialog(
                f"Remove {row.address}?",
                "Its address accepts no more mail, and its login no longer works.",
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
        if self.refused("accounts.back"):
            return
        if self._back is None:
            self.wizard.show_start()
        else:
            self.wizard.show(self._back())
