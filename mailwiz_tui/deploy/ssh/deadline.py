"""A time limit that pauses while the operator answers a question."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Deadline:
    """``async with deadline.running():`` raises TimeoutError after ``seconds`` without pauses."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timeout: asyncio.Timeout | None = None
        self._pauses = 0
        self._left = seconds
        self.was_paused = False

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """The limited part; it must run in one task, the pauses may come from others."""
        self._left = self._seconds
        try:
            async with asyncio.timeout(self._seconds) as self._timeout:
                yield
        finally:
            self._timeout = None

    @asynccontextmanager
    async def paused(self) -> AsyncIterator[None]:
        """Pauses the clock; afterwards the remaining time continues (at least five seconds)."""
        loop = asyncio.get_running_loop()
        timeout = self._timeout
        if timeout is not None and self._pauses == 0:
            when = timeout.when()
            self._left = max(5.0, when - loop.time()) if when is not None else self._seconds
            timeout.reschedule(None)
        self._pauses += 1
        self.was_paused = True
        try:
            yield
        finally:
            self._pauses -= 1
            if timeout is not None and timeout is self._timeout and self._pauses == 0 and not timeout.expired():
                timeout.reschedule(loop.time() + self._left)
