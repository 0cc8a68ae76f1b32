"""Hands generated passwords to the operator exactly once: on the terminal, or in a new 0600 file."""

from __future__ import annotations

import os
from pathlib import Path

from mailwiz_tui.commands.terminal import say
from mailwiz_tui.manage.handover import Handover


class CredentialsFile:
    """A JSON file that is reserved before the installation starts, so that the passwords surely have a place.

    The constructor creates it (0600) and raises FileExistsError rather than touch a file that is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)

    def write(self, handover: Handover) -> None:
        """Write them as ``Handover.to_json`` says and make sure that it is on the disk."""
        with os.fdopen(self._descriptor, "w", encoding="utf-8") as file:
            file.write(handover.to_json())
            file.flush()
            os.fsync(file.fileno())

    def discard(self) -> None:
        """Remove the reserved file: nothing was generated."""
        os.close(self._descriptor)
        self.path.unlink()


def show(handover: Handover) -> None:
    """Print the passwords and the backups' recovery keys; they will not be shown again."""
    say("")
    if handover.mailboxes:
        say("Generated passwords. They are shown this once and stored only as hashes:")
        for address, secret in handover.mailboxes.items():
            say(f"  {address}  {secret.get_secret_value()}")
        say("")
    if handover.administrators:
        say("The first administrator of the admin panel, another password than that of the mailbox:")
        for address, secret in handover.administrators.items():
            say(f"  {address}  {secret.get_secret_value()}")
        say("")
    if handover.backup_keys:
        say("The key of each server's backup. It is shown this once; without it no new server can restore:")
        for server, secret in handover.backup_keys.items():
            say(f"  {server}  {secret.get_secret_value()}")
        say("")
