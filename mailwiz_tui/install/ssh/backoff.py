"""Connecting again after a loss, without hammering a server that is just rebooting."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

from mailwiz_tui.install.ssh.errors import SshError

T = TypeVar("T")

LONGEST = 30.0


def delays(jitter: Callable[[], float] = random.random) -> Iterator[float]:
    """Seconds to wait before each further attempt: 1, 2, 4 … 30, each shortened by up to a quarter at random."""
    seconds = 1.0
    while True:
        yield seconds * (1 - jitter() / 4)
        seconds = min(LONGEST, seconds * 2)


async def reconnect(
    attempt: Callable[[], Awaitable[T]],
    *,
    give_up_after: float = 600.0,
    on_wait: Callable[[SshError, float], None] | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> T:
    """Calls ``attempt`` until it succeeds; only what may pass by itself (SshError.transient) is tried again.

    ``on_wait`` is told the last error and the seconds until the next attempt. After ``give_up_after`` seconds
    of waiting the last error is raised.
    """
    waited = 0.0
    for delay in delays():
        try:
            return await attempt()
        except SshError as error:
            if not error.transient or waited + delay > give_up_after:
                raise
            if on_wait is not None:
                on_wait(error, delay)
        waited += delay
        await sleep(delay)
    raise AssertionError("delays never end")
