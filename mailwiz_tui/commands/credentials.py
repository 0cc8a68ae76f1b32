"""Hands generated passwords to the operator exactly once: on the terminal, or in a new 0600 file."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr

from mailwiz_tui.commands.terminal import say


class CredentialsFile:
    """A JSON file that is reserved before the installation starts, so that the passwords surely have a place.

    The constructor creates it (0600) and raises FileExistsError rather than touch a file that is there.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)

    def write(self, mailboxes: Mapping[str, SecretStr], backup_key: SecretStr | None = None) -> None:
        """Write ``{"mailboxes": {address: password}, "backup_key": …}`` and make sure that it is on the disk."""
        content: dict[str, object] = {
            "mailboxes": {address: secret.get_secret_value() for address, secret in mailboxes.items()}
        }
        if backup_key is not None:
            content["backup_key"] = backup_key.get_secret_value()
        with os.fdopen(self._descriptor, "w", encoding="utf-8") as file:
            json.dump(content, file, indent=2)
            file.write("\n")
            file.flush()
            os.fsync(file.fileno())

    def discard(self) -> None:
        """Remove the reserved file: nothing was generated."""
        os.close(self._descriptor)
        self.path.unlink()


def show(mailboxes: Mapping[str, SecretStr], backup_key: SecretStr | None = None) -> None:
    """Print the passwords and the backup's recovery key; they will not be shown again."""
    say("")
    if mailboxes:
        say("Generated passwords. They are shown this once and stored only as hashes:")
        for address, secret in mailboxes.items():
            say(f"  {address}  {secret.get_secret_value()}")
        say("")
    if backup_key is not None:
        say("The recovery key of the backup. It is shown this once; without it no new server can restore:")
        say(f"  {backup_key.get_secret_value()}")
        say("")
