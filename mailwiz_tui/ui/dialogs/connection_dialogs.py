"""What a connection asks: an unknown host's key, a password, a passphrase, sudo's password."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import SecretStr
from textual.widget import Widget

from mailwiz_tui.deploy.prompts import HostKey
from mailwiz_tui.ui.dialogs.dialog import Dialog
from mailwiz_tui.ui.widgets.entry import Entry


class HostKeyDialog(Dialog[bool]):
    """Shows the fingerprints of a host nobody has vouched for; No is the default."""

    sudden = True
    harmless = False
    help_text = (
        "SSH knows a server by its host key. A key that nobody compared may belong to somebody who sits between "
        "you and the server; a yes would give him what you type."
    )

    def __init__(self, server_id: str, address: str, keys: Sequence[HostKey]) -> None:
        lines = "\n".join(f"  {key.algorithm}\n  {key.fingerprint}" for key in keys)
        super().__init__(
            f"Is this the host key of {server_id}?",
            f"Nobody has vouched yet for the server at {address}. It shows\n\n{lines}\n\n"
            "Compare this with what the provider's console shows (on the server:\n"
            "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub). After a yes it is stored and never asked again.",
        )

    def buttons(self) -> Sequence[tuple[str, str]]:
        return (("no", "No, do not connect"), ("yes", "Yes, it is the right key"))

    def answered(self, answer: str) -> None:
        self.dismiss(answer == "yes")


class SecretDialog(Dialog["SecretStr | None"]):
    """Asks for a secret; None if declined. It is not kept anywhere on this machine."""

    sudden = True
    harmless = None
    help_text = "It is held in memory while the program runs, sent over SSH only, and written nowhere here."

    def content(self) -> Sequence[Widget]:
        return (Entry(password=True, id="secret"),)

    def buttons(self) -> Sequence[tuple[str, str]]:
        return (("close", "Cancel"), ("ok", "OK"))

    def answered(self, answer: str) -> None:
        entry = self.query_one("#secret", Entry)
        secret = SecretStr(entry.value) if answer == "ok" and entry.value else None
        with entry.prevent(Entry.Changed):
            entry.value = ""
        self.dismiss(secret)
