"""Answers a server's authentication requests: keys first, then the password, asked at most three times."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import asyncssh
from pydantic import SecretStr

from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.deploy.ssh.deadline import Deadline
from mailwiz_tui.deploy.ssh.errors import printable
from mailwiz_tui.deploy.ssh.identities import Identities

MOST_PASSWORDS = 3


class Answers:
    """The password that the operator typed for one account, kept in memory so that a reconnect does not ask again.

    A wrong password is dropped.
    """

    def __init__(self) -> None:
        self.password: SecretStr | None = None
        self.sudo_password: SecretStr | None = None
        self.sudo_lock = asyncio.Lock()


class Login(asyncssh.SSHClient):
    """One attempt to log in, called by asyncssh. ``tried`` holds what was offered."""

    def __init__(
        self,
        server_id: str,
        user: str,
        prompts: Prompts,
        identities: Identities,
        answers: Answers,
        deadline: Deadline,
    ) -> None:
        self._server_id = server_id
        self._user = user
        self._prompts = prompts
        self._identities = identities
        self._answers = answers
        self._deadline = deadline
        self._passwords = 0
        self._kept_tried = False
        self._declined = False
        self.tried: dict[str, int] = {}

    async def public_key_auth_requested(self) -> asyncssh.SSHKeyPair | None:
        """The next key to offer."""
        pair = await self._identities.next()
        if pair is not None:
            self.tried["publickey"] = self.tried.get("publickey", 0) + 1
        return pair

    async def password_auth_requested(self) -> str | None:
        """The password: the stored one, then what the operator types."""
        return await self._password("password")

    def kbdint_auth_requested(self) -> str | None:
        """Keyboard-interactive is how PAM asks for a password; not tried again after three wrong ones."""
        return None if self._declined or self._passwords >= MOST_PASSWORDS else ""

    async def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        """Asks the operator a single question (a password, or a second factor, whose text is shown then)."""
        if not prompts:
            return []
        if len(prompts) != 1:
            return None
        question, _ = prompts[0]
        label = "" if "password" in question.lower() else f"{self._user}: {printable(question, 60)}"
        answer = await self._password("keyboard-interactive", label)
        return None if answer is None else [answer]

    async def _password(self, method: str, label: str = "") -> str | None:
        kept, tried_before = self._answers.password, self._kept_tried
        self._kept_tried = True
        if kept is not None and not tried_before:
            self.tried[method] = self.tried.get(method, 0) + 1
            return kept.get_secret_value()
        self._answers.password = None
        if self._declined or self._passwords >= MOST_PASSWORDS:
            return None
        self._passwords += 1
        async with self._deadline.paused():
            typed = await self._prompts.password(self._server_id, label or self._user, self._passwords)
        if typed is None:
            self._declined = True
            return None
        if not label:
            self._answers.password = typed
        self.tried[method] = self.tried.get(method, 0) + 1
        return typed.get_secret_value()
