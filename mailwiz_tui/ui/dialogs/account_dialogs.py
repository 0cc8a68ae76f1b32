"""The dialogs of the accounts screen: new mailbox, new alias, quota, move, and a password shown once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from pydantic import SecretStr
from textual.binding import BindingType
from textual.widget import Widget
from textual.widgets import Button

from mailwiz_tui.manage.account_entries import MailboxEntry
from mailwiz_tui.manage.account_words import typed_new_address, typed_new_alias, typed_quota, typed_target
from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.dialogs.dialog import ChoiceDialog, ConfirmDialog, Dialog
from mailwiz_tui.ui.dialogs.form_dialog import FormDialog, Row, fault_of
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup


@dataclass(frozen=True, slots=True)
class NewMailbox:
    """A new mailbox; ``password`` None: generate one; ``store`` empty: the one with the fewest mailboxes."""

    address: str
    name: str
    quota: int
    password: SecretStr | None
    store: str = ""


@dataclass(frozen=True, slots=True)
class NewAlias:
    """A new alias; ``@domain`` is a catch-all."""

    address: str
    goto: tuple[str, ...]


class MailboxDialog(FormDialog["NewMailbox | NewAlias | None"]):
    """Asks for a new mailbox."""

    harmless = None
    prefix = "account"
    explanation = "Without a password one is generated and shown once. It is stored only as a hash."
    help_text = "The mailbox can be used as soon as it is added."

    def __init__(self, domain: str, stores: Sequence[str] = ()) -> None:
        super().__init__("Add a mailbox")
        self._stores = tuple(stores)
        where = (Row("store", "Store", "", f"{', '.join(stores)}; empty: fewest mailboxes"),) if stores else ()
        self.rows = (
            Row("address", "Address", "", f"anna@{domain}"),
            Row("name", "User's name", "", "optional"),
            Row("quota", "Quota", "", "for example 5G; empty: none"),
            *where,
            Row("password", "Password", "", "empty: generated", password=True),
        )

    def faults(self) -> dict[str, str]:
        found = {
            "address": fault_of(lambda: typed_new_address(self.text("address"))),
            "quota": fault_of(lambda: typed_quota(self.text("quota"))),
        }
        store = self.text("store") if self._stores else ""
        if store and store not in self._stores:
            found["store"] = f"There is no store “{store[:20]}”. Stores: {', '.join(self._stores)}"
        return {name: fault for name, fault in found.items() if fault}

    def made(self) -> NewMailbox:
        entry = self.entry("password")
        password = SecretStr(entry.value) if entry.value else None
        with entry.prevent(Entry.Changed):
            entry.value = ""
        return NewMailbox(
            typed_new_address(self.text("address")),
            self.text("name"),
            typed_quota(self.text("quota")),
            password,
            self.text("store") if self._stores else "",
        )


class AliasDialog(FormDialog["NewMailbox | NewAlias | None"]):
    """Asks for a new alias, or for further targets of an existing one."""

    harmless = None
    prefix = "account"
    explanation = "Separate targets by commas. @domain is a catch-all: it gets mail for unknown addresses."
    help_text = "Mail for an alias is sent to all its targets, here or at other mail servers."

    def __init__(self, domain: str, address: str = "", goto: str = "") -> None:
        super().__init__("Add an alias")
        self.rows = (
            Row("address", "Address", address, f"sales@{domain}, or @{domain}"),
            Row("goto", "Leads to", goto, f"anna@{domain}"),
        )

    def focus_first(self) -> None:
        """Focus the targets if the address is given."""
        self.entry("goto" if self.rows[0].value else "address").focus()

    def faults(self) -> dict[str, str]:
        found = {
            "address": fault_of(lambda: typed_new_alias(self.text("address"))),
            "goto": fault_of(self._targets) or ("" if self._targets() else "At least one target address is needed"),
        }
        return {name: fault for name, fault in found.items() if fault}

    def _targets(self) -> tuple[str, ...]:
        return tuple(typed_target(part) for part in self.text("goto").split(",") if part.strip())

    def made(self) -> NewAlias:
        return NewAlias(typed_new_alias(self.text("address")), self._targets())


class QuotaDialog(FormDialog["int | None"]):
    """Asks for a quota; returns bytes, None if cancelled."""

    harmless = None
    prefix = "account"
    explanation = "A size such as 5G or 500M; empty: no quota."
    help_text = "New mail for a full mailbox is rejected, and the sender is told so. Mail in it stays."
    ok = "Set"

    def __init__(self, address: str, value: str) -> None:
        super().__init__(f"Quota of {address}")
        self.rows = (Row("quota", "Quota", value, "empty: none"),)

    def faults(self) -> dict[str, str]:
        fault = fault_of(self.made)
        return {"quota": fault} if fault else {}

    def made(self) -> int:
        return typed_quota(self.text("quota"))


class PasswordDialog(Dialog[None]):
    """Shows a generated password once; closing it asks for confirmation."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("password")]
    scopes: ClassVar[tuple[str, ...]] = ("password",)
    harmless = None
    help_text = "It cannot be shown again. If it is lost, set a new password for the mailbox."

    def __init__(self, address: str, password: SecretStr) -> None:
        super().__init__(
            f"The password of {address}", "It is shown only now; the server stores only a hash. C copies it."
        )
        self._password = password
        self._copied = False

    def content(self) -> Sequence[Widget]:
        return (NoMarkup(f"\n    {self._password.get_secret_value()}\n", classes="strong"),)

    def buttons(self) -> Sequence[tuple[str, str]]:
        return (("copy", "Copy it (C)"), ("close", "I have it"))

    def answered(self, answer: str) -> None:
        if answer == "copy":
            self.action_copy_password()
        else:
            self.action_close()

    def action_copy_password(self) -> None:
        """Send it to the terminal's clipboard (OSC 52)."""
        self._copied = True
        self.app.copy_to_clipboard(self._password.get_secret_value())
        self.notify("The password was sent to the terminal's clipboard", markup=False)
        self.query_one("#answer-close", Button).focus()

    def action_close(self) -> None:
        self.ask(self._close)

    def _close(self) -> None:
        self.dismiss(None)

    def ask(self, then: Callable[[], object]) -> None:
        """Ask whether the operator has the password, and call ``then`` after a yes."""

        def answered(yes: bool | None) -> None:
            if yes:
                self.call_later(then)

        was = "It was sent to the terminal's clipboard. " if self._copied else "It was not copied. "
        self.app.push_screen(
            ConfirmDialog(
                "Do you have the password?",
                was + "After “Yes” it is never shown again.",
                yes="Yes, I have it",
                no="Show it again",
            ),
            answered,
        )


def move_dialog(mailbox: MailboxEntry, stores: Sequence[str]) -> ChoiceDialog:
    """Asks for the new store of a mailbox, or, after an interrupted move, whether to finish or undo it."""
    if mailbox.moving_to:
        return ChoiceDialog(
            f"Finish moving {mailbox.address} to {mailbox.moving_to}?",
            "Its move was interrupted, or another operator is moving it. New mail for it stays in the queue until "
            "the move is finished or undone.",
            (
                ("", "Cancel"),
                (mailbox.moving_to, f"Finish on {mailbox.moving_to}"),
                (mailbox.store, f"Stay on {mailbox.store}"),
            ),
        )
    return ChoiceDialog(
        f"Move {mailbox.address} from {mailbox.store}?",
        "It is copied while it is in use. At the end its sessions are closed, and new mail stays in the queue for "
        "a moment. The old copy is kept; its path is shown afterwards.",
        (("", "Cancel"), *((store, f"To {store}") for store in stores if store != mailbox.store)),
    )
