"""The dialogs of the accounts' screen: a new mailbox, a new alias, a password shown once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import SecretStr
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widget import Widget
from textual.widgets import Button

from mailwiz_tui.install.account_entries import MailboxEntry
from mailwiz_tui.install.account_words import typed_address, typed_alias, typed_quota
from mailwiz_tui.ui.screens.dialog import ChoiceDialog, Dialog
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


class FormDialog(Dialog["NewMailbox | NewAlias | None"]):
    """Rows of labelled fields; what cannot be is said under them, and nothing is lost."""

    harmless = None
    rows: tuple[tuple[str, str, str, str], ...] = ()
    explanation = ""
    ok = "Add"

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield NoMarkup(self.heading, id="dialog-title")
            with VerticalScroll(id="dialog-body", can_focus=False):
                for name, label, value, placeholder in self.rows:
                    with Horizontal(classes="form-row"):
                        yield NoMarkup(label, classes="label")
                        yield Entry(
                            value, placeholder=placeholder, password=name == "password", id=f"account-{name}"
                        )
                yield NoMarkup(self.explanation, id="dialog-text")
                yield NoMarkup("", id="dialog-error")
            with Horizontal(id="buttons"):
                yield Button("Cancel", id="answer-close", compact=True)
                yield Button(self.ok, id="answer-ok", compact=True)

    def submit_answer(self) -> str:
        return "ok"

    def text(self, name: str) -> str:
        """What stands in a field."""
        return self.query_one(f"#account-{name}", Entry).value.strip()

    def trouble(self, name: str, sentence: str) -> None:
        """Say what is wrong and go to the field."""
        self.query_one("#dialog-error", NoMarkup).show(sentence)
        self.query_one(f"#account-{name}", Entry).focus()

    def answered(self, answer: str) -> None:
        if answer != "ok":
            self.dismiss(None)
        elif made := self.made():
            self.dismiss(made)

    def made(self) -> NewMailbox | NewAlias | None:
        """What the fields say, or None where something is wrong (which was said)."""
        return None


class MailboxDialog(FormDialog):
    """A new mailbox."""

    explanation = "An empty password is generated; it is shown once and stored only as a hash."

    def __init__(self, domain: str, stores: Sequence[str] = ()) -> None:
        super().__init__("Add a mailbox")
        self._stores = tuple(stores)
        where = (("store", "Store", "", f"{', '.join(stores)}; empty: the one with fewest"),) if stores else ()
        self.rows = (
            ("address", "Address", "", f"anna@{domain}"),
            ("name", "Whose it is", "", "may stay empty"),
            ("quota", "Quota", "", "like 5G; empty for none"),
            *where,
            ("password", "Password", "", "empty: generated"),
        )

    def made(self) -> NewMailbox | None:
        try:
            address = typed_address(self.text("address"))
        except ValueError as error:
            self.trouble("address", str(error))
            return None
        try:
            quota = typed_quota(self.text("quota"))
        except ValueError as error:
            self.trouble("quota", str(error))
            return None
        store = self.text("store") if self._stores else ""
        if store and store not in self._stores:
            self.trouble("store", f"There is no store “{store[:20]}”; the stores: {', '.join(self._stores)}")
            return None
        entry = self.query_one("#account-password", Entry)
        password = SecretStr(entry.value) if entry.value else None
        with entry.prevent(Entry.Changed):
            entry.value = ""
        return NewMailbox(address, self.text("name"), quota, password, store)


class AliasDialog(FormDialog):
    """A new alias, or further targets of one that is there."""

    explanation = "Several targets are separated by commas. @domain takes what no other address takes."

    def __init__(self, domain: str, address: str = "", goto: str = "") -> None:
        super().__init__("Add an alias")
        self.rows = (
            ("address", "Address", address, f"sales@{domain}, or @{domain}"),
            ("goto", "Leads to", goto, f"anna@{domain}"),
        )

    def focus_first(self) -> None:
        """The targets first, where the address is given."""
        self.query_one("#account-goto" if self.rows[0][2] else "#account-address", Entry).focus()

    def made(self) -> NewAlias | None:
        try:
            address = typed_alias(self.text("address"))
        except ValueError as error:
            self.trouble("address", str(error))
            return None
        try:
            goto = tuple(typed_address(part) for part in self.text("goto").split(",") if part.strip())
        except ValueError as error:
            self.trouble("goto", str(error))
            return None
        if not goto:
            self.trouble("goto", "An address is needed that mail goes to")
            return None
        return NewAlias(address, goto)


class QuotaDialog(Dialog["int | None"]):
    """Another quota, in bytes; None if declined."""

    harmless = None

    def __init__(self, address: str, value: str) -> None:
        super().__init__(f"Quota of {address}", "A size like 5G or 500M; empty for none.")
        self._value = value

    def content(self) -> Sequence[Widget]:
        return (Entry(self._value, id="account-quota"), NoMarkup("", id="dialog-error"))

    def buttons(self) -> Sequence[tuple[str, str]]:
        return (("close", "Cancel"), ("ok", "Set"))

    def answered(self, answer: str) -> None:
        if answer != "ok":
            self.dismiss(None)
            return
        try:
            self.dismiss(typed_quota(self.query_one("#account-quota", Entry).value))
        except ValueError as error:
            self.query_one("#dialog-error", NoMarkup).show(str(error))


class PasswordDialog(Dialog[None]):
    """Shows a generated password, this once."""

    harmless = None

    def __init__(self, address: str, password: SecretStr) -> None:
        super().__init__(f"The password of {address}", "Shown this once; the server keeps only a hash of it.")
        self._password = password

    def content(self) -> Sequence[Widget]:
        return (NoMarkup(f"\n    {self._password.get_secret_value()}\n", classes="strong"),)

    def buttons(self) -> Sequence[tuple[str, str]]:
        return (("close", "I have it"),)


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
