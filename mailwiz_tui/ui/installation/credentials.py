"""The first passwords, shown once; until the operator confirms them, each installation sets new ones."""

from __future__ import annotations

from typing import ClassVar

from pydantic import SecretStr
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.widgets import Button

from mailwiz_tui.plan.files import write_new
from mailwiz_tui.plan.published import web_addresses
from mailwiz_tui.ui.app.main_screen import MainScreen
from mailwiz_tui.ui.dialogs.dialog import ConfirmDialog, save_dialog
from mailwiz_tui.ui.installation.installation import Installation
from mailwiz_tui.ui.session.backends import error_sentence
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.terminal.text import safe_line
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

EXPLANATION = (
    "These passwords are new. The servers store only their hashes, and the passwords are shown only once. "
    "Put them into a password manager, or save them to a file that only you can read."
)


class CredentialsScreen(MainScreen):
    """Shows addresses and passwords."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "save", "Save", show=False),
        Binding("c", "copy", "Copy", show=False),
    ]
    heading = "First passwords"
    help_text = (
        EXPLANATION + "\n\nC copies one password after the other to the terminal's clipboard. "
        "S saves all as JSON to a new file with mode 0600. “I have them” asks for confirmation; after that they "
        "cannot be shown again. mailwiz-tui mailbox passwd sets a new one."
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._saved = ""
        self._copied = 0

    def page(self) -> ComposeResult:
        with Vertical(id="credentials"):
            yield NoMarkup(EXPLANATION)
            with VerticalScroll(id="passwords"):
                yield NoMarkup("", id="password-list")
            yield NoMarkup("", id="saved-to")
            with Horizontal(id="navigation"):
                yield Button("Save to a file (S)", id="save", compact=True)
                yield Button("I have them: continue", id="acknowledge", compact=True)

    def on_mount(self) -> None:
        installation = self.session.ongoing.installation
        text = Text(overflow="fold")
        for title, secret in _secrets(installation):
            text.append(f"{safe_line(title)}\n", style="bold")
            text.append(f"    {safe_line(secret.get_secret_value())}\n")
        plan = self.session.plan()
        for title, url in web_addresses(plan).items() if plan else ():
            text.append(f"{title}\n", style="bold")
            text.append(f"    {safe_line(url)}\n")
        self.query_one("#password-list", NoMarkup).show(text)
        self.query_one("#save", Button).focus()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        if event.button.id == "save":
            self.action_save()
        else:
            self._ask()

    def on_key(self, event: object) -> None:
        """Left and Right move between the buttons."""
        if isinstance(self.focused, Button) and getattr(event, "key", "") in ("left", "right"):
            self.query_one("#acknowledge" if self.focused.id == "save" else "#save", Button).focus()

    def action_save(self) -> None:
        """Write them to a new file."""

        installation = self.session.ongoing.installation
        if installation is None:
            return

        def named(name: str | None) -> None:
            if name:
                self._saved = name
                self.query_one("#saved-to", NoMarkup).show(f"Saved to {name}, readable only by you.")
                self.query_one("#acknowledge", Button).focus()

        self.app.push_screen(
            save_dialog(
                "Save the passwords",
                "A new file, readable only by you.",
                self.session.path.with_name("credentials.json"),
                lambda path: write_new(path, installation.handover.to_json()),
            ),
            named,
        )

    def action_copy(self) -> None:
        """Copy the next password to the terminal's clipboard (OSC 52)."""
        secrets = _secrets(self.session.ongoing.installation)
        if not secrets:
            return
        title, secret = secrets[self._copied % len(secrets)]
        self._copied += 1
        self.app.copy_to_clipboard(secret.get_secret_value())
        following = f"; C again copies {secrets[self._copied % len(secrets)][0]}" if len(secrets) > 1 else ""
        self.tell(f"Copied to the terminal's clipboard: {title}{following}")

    def _ask(self) -> None:
        def answered(yes: bool | None) -> None:
            if yes:
                self.run_worker(self._acknowledge(), group="acknowledge", exit_on_error=False)

        saved = f"They are in {self._saved}. " if self._saved else "They were not saved to a file. "
        self.app.push_screen(
            ConfirmDialog(
                "Do you have the passwords?",
                saved + "After “Yes” they are never shown again.",
                yes="Yes, I have them",
                no="Show them again",
            ),
            answered,
        )

    async def _acknowledge(self) -> None:
        installation = self.session.ongoing.installation
        if installation is None:
            return
        try:
            await installation.acknowledge()
        except Exception as error:
            self.tell(f"The servers did not record that you have them: {error_sentence(error)}", problem=True)
            return
        self.wizard.show_results()


def _secrets(installation: Installation | None) -> list[tuple[str, SecretStr]]:
    """The secrets to show: mailbox passwords, the admin panel's password, the backups' recovery keys."""
    if installation is None:
        return []
    handover = installation.handover
    found = list(handover.mailboxes.items())
    found += [(f"Admin panel: {address}", secret) for address, secret in handover.administrators.items()]
    found += [(f"Recovery key of the backup of {server}", key) for server, key in handover.backup_keys.items()]
    return found
