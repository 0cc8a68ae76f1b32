"""Answers the questions of SSH connections by dialogs, one at a time."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

from pydantic import SecretStr
from textual.app import App

from mailwiz_tui.deploy.prompts import HostKey
from mailwiz_tui.ui.dialogs.connection_dialogs import HostKeyDialog, SecretDialog
from mailwiz_tui.ui.dialogs.dialog import Dialog

T = TypeVar("T")


class DialogPrompts:
    """Implements ``deploy.prompts.Prompts`` with dialogs.

    A secret stays in memory while the program runs, so that probing, comparing and installing ask for it once; it
    is asked for again if a server rejects it.
    """

    def __init__(self, app: App[Any]) -> None:
        self._app = app
        self._one_at_a_time = asyncio.Lock()
        self._given: dict[tuple[str, ...], SecretStr] = {}

    async def _secret(self, key: tuple[str, ...], attempt: int, title: str, body: str) -> SecretStr | None:
        if attempt <= 1 and key in self._given:
            return self._given[key]
        secret = await self._ask(SecretDialog(title, body))
        if secret is None:
            self._given.pop(key, None)
        else:
            self._given[key] = secret
        return secret

    async def _ask(self, dialog: Dialog[T]) -> T | None:
        async with self._one_at_a_time:
            answer: asyncio.Future[T | None] = asyncio.get_running_loop().create_future()

            def answered(value: T | None) -> None:
                if not answer.done():
                    answer.set_result(value)

            self._app.call_later(self._app.push_screen, dialog, answered)
            return await answer

    async def confirm_host_key(self, server_id: str, address: str, keys: tuple[HostKey, ...]) -> bool:
        """Show the fingerprints and ask whether to trust them."""
        dialog: Dialog[bool] = HostKeyDialog(server_id, address, keys)
        return await self._ask(dialog) is True

    async def password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        """Ask for the SSH password."""
        again = "The password was rejected. " if attempt > 1 else ""
        title = f"Password of {user} on {server_id}"
        return await self._secret(
            ("password", server_id, user), attempt, title, f"{again}The server accepted no SSH key."
        )

    async def passphrase(self, server_id: str, key_file: str, attempt: int) -> SecretStr | None:
        """Ask for a private key's passphrase."""
        again = "The passphrase was wrong. " if attempt > 1 else ""
        title = "Passphrase of the private key"
        return await self._secret(
            ("passphrase", key_file),
            attempt,
            title,
            f"{again}The key {key_file} is needed to connect to {server_id}.",
        )

    async def sudo_password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        """Ask for the password for sudo."""
        again = "The password was rejected. " if attempt > 1 else ""
        title = f"sudo on {server_id}"
        return await self._secret(
            ("sudo", server_id, user),
            attempt,
            title,
            f"{again}The program needs root; sudo asks for {user}'s password.",
        )

    async def given_secret(self, server_id: str, title: str) -> SecretStr | None:
        """Ask for a secret that only the operator knows."""
        return await self._ask(
            SecretDialog(f"{title[:1].upper()}{title[1:]}", f"It is sent to {server_id} and stored only there.")
        )
