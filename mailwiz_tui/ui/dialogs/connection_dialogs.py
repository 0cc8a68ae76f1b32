"""The questions of an SSH connection: an unknown host key, a password, a passphrase, a password for sudo."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import SecretStr
from textual.widget import Widget

from mailwiz_tui.deploy.prompts import HostKey
from mailwiz_tui.ui.dialogs.dialog import Dialog
from mailwiz_tui.ui.widgets.entry import Entry


class HostKeyDialog(Dialog[bool]):
    """Shows the fingerprints of an unknown host; No is the default."""

    sudden = True
    harmless = False
    help_text = (
        "SSH identifies a server by its host key. If you do not compare the key, an attacker between you and the "
        "server may present another one, and a yes would give the attacker your passwords."
    )

    def __init__(self, server_id: str, address: str, keys: Sequence[HostKey]) -> None:
        lines = "\n".join(f"  {key.algorithm}\n  {key.fingerprint}" for key in keys)
        super().__init__(
            f"Is this the host key of {server_id}?",
            f"The host key of {address} is not known yet. The server presents\n\n{lines}\n\n"
            "Compare it with the key on the server, in the provider's console:\n"
            "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub\nAfter “Yes” it is stored in known_hosts.",
        )

    def buttons(self) -> Sequence[tuple[str, str]]:
        return (("no", "No, do not connect"), ("yes", "Yes, it is the right key"))

    def answered(self, answer: str) -> None:
        self.dismiss(answer == "yes")


class SecretDialog(Dialog["SecretStr | None"]):
    """Asks for a secret; None if cancelled. It is not stored on this machine."""

    sudden = True
    harmless = None
    help_text = (
        "It stays in memory while the program runs, is sent only over SSH, and is not stored on this machine."
    )

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
