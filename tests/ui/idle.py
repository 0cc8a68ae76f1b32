"""Waits for an application as long as it has something to do, and not a moment longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

from textual._context import active_app
from textual.pilot import Pilot
from textual.screen import Screen
from textual.timer import Timer

SOON_SECONDS = 0.02
"""A timer that is due within this is waited for."""
MOST_WORK_SECONDS = 10.0
"""CPU time after which an application is not expected to come to rest any more."""


async def wait_for_idle(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
    """Return once the loop has nothing to call and no timer soon; stands in for ``textual._wait.wait_for_idle``.

    Textual's own sleeps 20 ms at a time, two times for each key, and takes a process for idle that gets little of a
    busy machine's time. Here what there is to paint is painted at once, not up to 16.7 ms later.
    """
    loop: Any = asyncio.get_running_loop()
    end, slept = time.process_time() + MOST_WORK_SECONDS, 0.0
    await asyncio.sleep(min_sleep)
    while slept < max_sleep and time.process_time() < end:
        await asyncio.sleep(0)
        if loop._ready:
            continue
        screens = _screens()
        resting = {id(sleep) for sleep in _paused_sleeps(screens)}
        timers = [timer for timer in loop._scheduled if not timer.cancelled()]
        due = [timer.when() for timer in timers if resting.isdisjoint(map(id, timer._args))]
        wait = max(min(due, default=float("inf")) - loop.time(), 0.0)
        if wait <= SOON_SECONDS:
            await asyncio.sleep(wait)
            slept += wait
        elif not _painted(screens):
            return


async def wait_for_screen(pilot: Pilot[Any], timeout: float = 30.0) -> bool:  # noqa: ASYNC109  # Textual's signature
    """Return once no widget has anything to do; stands in for ``Pilot._wait_for_screen``, which asks each of them.

    Textual sends every widget a message before and after each key, which is more than half of all messages then.
    """
    await wait_for_idle()
    return pilot.app._exception is None


def _screens() -> list[Screen[Any]]:
    """The screens of the application that can be painted."""
    app = active_app.get(None)
    return [screen for screen in app.screen_stack if screen.is_mounted] if app is not None else []


def _painted(screens: list[Screen[Any]]) -> bool:
    """Paint what is to be painted; False if there was nothing, or nothing is painted any more."""
    asked = [screen for screen in screens if screen._update_timer._active.is_set() and not screen.app._exit]
    for screen in asked:
        screen._on_timer_update()
    return bool(asked)


def _paused_sleeps(screens: list[Screen[Any]]) -> Iterator[object]:
    """What paused timers sleep on, those that paint and animate: Textual's sleep on while nothing is to be done."""
    for screen in screens:
        yield _sleep_of(screen._update_timer)
        if screen.app._animator._idle_event.is_set():
            yield _sleep_of(screen.app._animator._timer)


def _sleep_of(timer: Timer) -> object:
    task: Any = timer._task
    return task._fut_waiter if task is not None else None
