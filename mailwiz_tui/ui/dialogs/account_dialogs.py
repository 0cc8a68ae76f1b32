"""The dialogs of the accounts' screen: a new mailbox, a new alias, a password shown once."""

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
    """What was typed for a mailbox; ``password`` None asks for a generated one, no ``store`` for the emptiest."""

    address: str
    name: str
    quota: int
    password: SecretStr | None
    store: str = ""


@dataclass(frozen=True, slots=True)
class NewAlias:
    """What was typed for an alias; ``@domain`` is a catch-all."""

    address: str
    goto: tuple[str, ...]


class MailboxDialog(FormDialog["NewMailbox | NewAlias | None"]):
    """A new mailbox."""

    harmless = None
    prefix = "account"
    explanation = "An empty password is generated; it is shown once and stored only as a hash."
    help_text = "The mailbox can be used as soon as it is added."

    def __init__(self, domain: str, stores: Sequence[str] = ()) -> None:
        super().__init__("Add a mailbox")
        self._stores = tuple(stores)
        where = (Row("store", "Store", "", f"{', '.join(stores)}; empty: the one with fewest"),) if stores else ()
        self.rows = (
            Row("address", "Address", "", f"anna@{domain}"),
            Row("name", "Whose it is", "", "may stay empty"),
            Row("quota", "Quota", "", "like 5G; empty for none"),
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
            found["store"] = f"There is no store “{store[:20]}”; the stores: {', '.join(self._stores)}"
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
    """A new alias, or further targets of one that is there."""

    harmless = None
    prefix = "account"
    explanation = "Several targets are separated by commas. @domain takes what no other address takes."
    help_text = "Mail for an alias goes to every address that it leads to, here or elsewhere."

    def __init__(self, domain: str, address: str = "", goto: str = "") -> None:
        super().__init__("Add an alias")
        self.rows = (
            Row("address", "Address", address, f"sales@{domain}, or @{domain}"),
            Row("goto", "Leads to", goto, f"anna@{domain}"),
        )

    def focus_first(self) -> None:
        """The targets first, where the address is given."""
        self.entry("goto" if self.rows[0].value else "address").focus()

    def faults(self) -> dict[str, str]:
        found = {
            "address": fault_of(lambda: typed_new_alias(self.text("address"))),
            "goto": fault_of(self._targets)
            or ("" if self._targets() else "An address is needed that mail goes to"),
        }
        return {name: fault for name, fault in found.items() if fault}

    def _targets(self) -> tuple[str, ...]:
        return tuple(typed_target(part) for part in self.text("goto").split(",") if part.strip())

    def made(self) -> NewAlias:
        return NewAlias(typed_new_alias(self.text("address")), self._targets())


class QuotaDialog(FormDialog["int | None"]):
    """Another quota, in bytes; None if declined."""

    harmless = None
    prefix = "account"
    explanation = "A size like 5G or 500M; empty for none."
    help_text = "A mailbox that is full takes no more mail; senders are told so. What is in it stays."
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
    """Shows a generated password, this once; only a clear yes closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("password")]
    scopes: ClassVar[tuple[str, ...]] = ("password",)
    harmless = None
    help_text = "Nobody can show it again. If it is lost, give the mailbox a new one."

    def __init__(self, address: str, password: SecretStr) -> None:
        super().__init__(
            f"The password of {address}", "Shown this once; the server keeps only a hash of it. C copies it."
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
        """Ask whether the operator has it, and do what follows after a yes."""

        def answered(yes: bool | None) -> None:
            if yes:
                self.call_later(then)

        was = "It was sent to the terminal's clipboard. " if self._copied else "It was not copied. "
        self.app.push_screen(
            ConfirmDialog(
                "Do you have the password?",
                was + "After a yes it is never shown again.",
                yes="Yes, I have it",
                no="Show it again",
            ),
            answered,
        )


def move_dialog(mailbox: MailboxEntry, stores: Sequence[str]) -> ChoiceDialog:
    """Asks which store a mailbox shall be on; of one whose move broke off, whether it goes on or back."""
    if mailbox.moving_to:
        return ChoiceDialog(
            f"Finish moving {mailbox.address} to {mailbox.moving_to}?",
            "Its move broke off, or goes on elsewhere. Mail for it waits until it is finished or undone.",
            (
                ("", "Cancel"),
                (mailbox.moving_to, f"Finish on {mailbox.moving_to}"),
                (mailbox.store, f"Stay on {mailbox.store}"),
            ),
        )
    return ChoiceDialog(
        f"Move {mailbox.address} away from {mailbox.store}?",
        "It is copied while it is in use. For a moment then mail for it waits and its sessions end. "
        "The old copy is kept, and you are told where.",
        (("", "Cancel"), *((store, f"To {store}") for store in stores if store != mailbox.store)),
    )
