"""Timers on a machine that stops for a moment, as one under load does."""

from __future__ import annotations

import asyncio
import itertools
from pathlib import Path

import pytest
from textual import _time

from mailwiz_tui.ui.app.start import StartScreen
from tests.ui.grid import until
from tests.ui.make import MakeApp


@pytest.mark.parametrize("owner", ["app", "screen"])
async def test_a_timer_that_is_late_still_fires(
    owner: str, make_app: MakeApp, plan_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = make_app(plan_path)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: isinstance(app.screen, StartScreen), "start screen")
        fired: list[str] = []
        timer = (app if owner == "app" else app.screen).set_timer(1 / 120, lambda: fired.append("once"))
        seconds, real = itertools.count(), _time.get_time
        monkeypatch.setattr(
            _time, "get_time", lambda: real() + (next(seconds) if asyncio.current_task() is timer._task else 0)
        )
        await until(pilot, lambda: bool(fired), "the timer")
    assert fired == ["once"]
