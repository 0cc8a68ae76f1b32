"""What a connection may have to ask the operator; screens and the command line each answer in their way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class HostKey:
    """A host key that nobody has vouched for: its algorithm and fingerprint (``SHA256:…``)."""

    algorithm: str
    fingerprint: str


class Prompts(Protocol):
    """Questions that come up while connecting. None means that the operator declined."""

    async def confirm_host_key(self, server_id: str, address: str, keys: tuple[HostKey, ...]) -> bool:
        """Whether the unknown host's keys are right; they are stored only after a yes."""

    async def password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        """The SSH password of ``user``; asked only if no key was accepted."""

    async def passphrase(self, server_id: str, key_file: str, attempt: int) -> SecretStr | None:
        """The passphrase of a private key."""

    async def sudo_password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        """The password sudo wants; asked only if sudo does ask."""

    async def given_secret(self, server_id: str, title: str) -> SecretStr | None:
        """A secret of the plan that only the operator knows, such as the password of a smart host."""


class RefusingPrompts:
    """Answers no to everything: for runs without a terminal. ``accept_new`` is ``--accept-new-host-keys``."""

    def __init__(self, *, accept_new: bool = False) -> None:
        self.accept_new = accept_new

    async def confirm_host_key(self, server_id: str, address: str, keys: tuple[HostKey, ...]) -> bool:
        """Yes only if the operator said so on the command line."""
        return self.accept_new

    async def password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        """None: there is nobody to ask."""
        return None

    async def passphrase(self, server_id: str, key_file: str, attempt: int) -> SecretStr | None:
        """None: there is nobody to ask."""
        return None

    async def sudo_password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        """None: there is nobody to ask."""
        return None

    async def given_secret(self, server_id: str, title: str) -> SecretStr | None:
        """None: there is nobody to ask."""
        return None
