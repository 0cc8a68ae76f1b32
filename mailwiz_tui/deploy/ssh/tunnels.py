"""What the connections of one process share: jump hosts, unlocked keys and passwords."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from mailwiz_tui.deploy.ssh.connection import Connection
from mailwiz_tui.deploy.ssh.identities import Keyring
from mailwiz_tui.deploy.ssh.login import Answers

CONNECTS_PER_HOST = 4
"""Concurrent handshakes with one host; sshd drops further ones at random (MaxStartups 10:30:100)."""


@dataclass
class Tunnels:
    """Connected jump hosts, unlocked keys, typed passwords, and the handshakes in progress with each host."""

    keyring: Keyring = field(default_factory=Keyring)
    _answers: dict[str, Answers] = field(default_factory=dict)
    _slots: dict[str, asyncio.Semaphore] = field(default_factory=dict)
    _hops: dict[str, Connection] = field(default_factory=dict)
    _locks: dict[str, asyncio.Lock] = field(default_factory=dict)

    def answers(self, account: str) -> Answers:
        """The password typed earlier for this account."""
        return self._answers.setdefault(account, Answers())

    def lock(self, name: str) -> asyncio.Lock:
        """The lock of this name."""
        return self._locks.setdefault(name, asyncio.Lock())

    @asynccontextmanager
    async def slot(self, host: str) -> AsyncIterator[None]:
        """Limits the concurrent handshakes with a host."""
        async with self._slots.setdefault(host, asyncio.Semaphore(CONNECTS_PER_HOST)):
            yield

    async def hop(self, key: str, open_it: Callable[[], Coroutine[Any, Any, Connection]]) -> Connection:
        """The live connection to a jump host, opened if there is none."""
        async with self.lock(f"hop {key}"):
            connection = self._hops.get(key)
            if connection is None or not connection.alive:
                connection = self._hops[key] = await open_it()
            return connection

    async def close(self) -> None:
        """Ends the connections to the jump hosts, the last first."""
        hops, self._hops = list(self._hops.values()), {}
        for connection in reversed(hops):
            await connection.close()
