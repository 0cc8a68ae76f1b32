"""Waits for an application as long as it has something to do, and not a moment longer."""

from __future__ import annotations

import asyncio
import time
from typing import Any

SOON_SECONDS = 0.02
"""A timer that is due within this is waited for: Textual paints up to 16.7 ms after what there is to paint."""


async def wait_for_idle(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Return once the loop has nothing to call and no timer soon; stands in for ``textual._wait.wait_for_idle``.

    Textual's own sleeps 20 ms at a time, two times for each key, and takes a process for idle that gets little of a
    busy machine's time.
    """
    loop: Any = asyncio.get_running_loop()
    end = time.monotonic() + max_sleep
    await asyncio.sleep(min_sleep)
    while time.monotonic() < end:
        await asyncio.sleep(0)
        if loop._ready:
            continue
        due = [timer.when() for timer in loop._scheduled if not timer.cancelled()]
        wait = min(due, default=float("inf")) - loop.time()
        if wait > SOON_SECONDS:
            return
        await asyncio.sleep(max(wait, 0.0))
