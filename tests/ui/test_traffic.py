"""Who talks to whom between the servers, and the test of the network, from step 2 by keys."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mailwiz_tui.deploy.network import PairReport
from mailwiz_tui.ui.dialogs.traffic_dialog import TrafficDialog
from tests.ui.fakes import Script
from tests.ui.grid import check_golden, screen_text, until
from tests.ui.make import MakeApp
from tests.ui.test_steps import goto


def flat(text: str) -> str:
    return " ".join(text.replace("│", " ").split())


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
async def test_the_matrix_is_one_key_away_and_its_test_another(
    make_app: MakeApp, plan_path: Path, script: Script, size: tuple[int, int], update_golden: bool
) -> None:
    script.pairs = [
        PairReport("mx1", "store1", 0.0021, 1500, True),
        PairReport("mx1", "filter1", 0.002, 1500, False),
    ]
    app = make_app(plan_path)
    app.session.set("architecture", "distributed")
    async with app.run_test(size=size) as pilot:
        await goto(pilot, app, "roles")
        await pilot.press("f10")
        await pilot.pause()
        assert not isinstance(app.screen, TrafficDialog), "nobody is chosen yet"
        await pilot.press("space", "1", "2", "down", "space", "3", "down", "space", "4", "f10")
        await until(pilot, lambda: isinstance(app.screen, TrafficDialog), "dialog")
        await until(pilot, lambda: "mx1 → store1" in screen_text(app), "flows")
        await check_golden(pilot, f"traffic-{size[0]}x{size[1]}", update=update_golden)
        script.hold = asyncio.Event()
        await pilot.press("f5")
        await until(pilot, lambda: "Testing the network between the servers" in screen_text(app), "asking")
        script.hold.set()
        blocked = "is blocked between mx1 and filter1 in both directions"
        await until(pilot, lambda: blocked in flat(screen_text(app)), "test")
        await until(pilot, lambda: "✓ mx1 – store1: 2.1 ms, packets of 1500" in screen_text(app), "a good pair")
        await until(pilot, lambda: "testing the network" not in screen_text(app).lower(), "answered")
        assert "F5 tests the network" in screen_text(app)
        await pilot.press("escape")
        await until(pilot, lambda: not isinstance(app.screen, TrafficDialog), "back")
