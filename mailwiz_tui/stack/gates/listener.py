"""The listening half of a gate: connections wait here while the service behind it does not answer.

systemd holds the socket, so a client connects at once even while the gate's own program restarts. Runs on servers.
"""

from __future__ import annotations

import asyncio
import socket
from abc import ABC, abstractmethod
from collections.abc import Coroutine

FIRST_DESCRIPTOR = 3
"""Where systemd puts the listening socket (sd_listen_fds(3))."""
PAUSE = 0.1
"""Seconds between two attempts to reach the service."""
CHUNK = 65536


class Listener(ABC):
    """Listens where programs ask, and connects to the ``target`` socket; one waits ``patience`` seconds."""

    def __init__(self, target: str, patience: float) -> None:
        self._target = target
        self._patience = patience
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, listener: socket.socket) -> None:
        """Take connections until cancelled."""
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            task = asyncio.create_task(self.pass_on(client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def serve_opened(self) -> None:
        """Serve the socket that systemd opened, until the program is ended."""
        asyncio.run(self.serve(socket.socket(fileno=FIRST_DESCRIPTOR)))

    @abstractmethod
    async def pass_on(self, client: socket.socket) -> None:
        """Serve one connection and close it."""


async def until_first(*ways: Coroutine[None, None, None]) -> None:
    """Run several directions of a connection until one ends; an error in one ends the others, too."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
