"""The questions of a connection to the operator; screens and the command line implement them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class HostKey:
    """An unknown host key: its algorithm and fingerprint (``SHA256:…``)."""

    algorithm: str
    fingerprint: str


class Prompts(Protocol):
    """Questions that come up while connecting. None means that the operator declined."""

    async def confirm_host_key(self, server_id: str, address: str, keys: tuple[HostKey, ...]) -> bool:
        """Whether to accept the unknown host's keys; they are stored only after a yes."""

    async def password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        """The SSH password of ``user``; asked only if no key was accepted."""

    async def passphrase(self, server_id: str, key_file: str, attempt: int) -> SecretStr | None:
        """The passphrase of a private key."""

    async def sudo_password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        """The password for sudo; asked only if sudo asks."""

    async def given_secret(self, server_id: str, title: str) -> SecretStr | None:
        """A secret of the plan that only the operator knows, such as the password of a smart host."""


class RefusingPrompts:
    """Declines every question: for runs without a terminal. ``accept_new`` is ``--accept-new-host-keys``."""

    def __init__(self, *, accept_new: bool = False) -> None:
        self.accept_new = accept_new

    async def confirm_host_key(self, server_id: str, address: str, keys: tuple[HostKey, ...]) -> bool:
        """Yes only if the operator said so on the command line."""
        return self.accept_new

    async def password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        """None: there is no terminal to ask."""
        return None

    async def passphrase(self, server_id: str, key_file: str, attempt: int) -> SecretStr | None:
        """None: there is no terminal to ask."""
        return None

    async def sudo_password(self, server_id: str, user: str, attempt: int) -> SecretStr | None:
        """None: there is no terminal to ask."""
        return None

    async def given_secret(self, server_id: str, title: str) -> SecretStr | None:
        """None: there is no terminal to ask."""
        return None
