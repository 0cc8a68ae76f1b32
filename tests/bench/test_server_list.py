"""What a key costs in the server list of step 2: a hundred servers against four, in the same run.

Run with ``pytest -m bench -s tests/bench/test_server_list.py``.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.ui.make import MakeApp
from tests.ui.test_steps import goto

pytestmark = [pytest.mark.bench, pytest.mark.timeout(300)]

ROUNDS = 9
KEYS = ("down", "space", "up", "space")


def prepare(plan: Path, count: int) -> None:
    """No plan, and an inventory of this many servers."""
    servers = "".join(f'[[servers]]\nid = "s{i}"\nhost = "192.0.2.{i}"\n' for i in range(count))
    (plan.parent / "inventory.toml").write_text(servers)
    plan.unlink(missing_ok=True)


async def fastest_round(make_app: MakeApp, plan: Path, count: int) -> float:
    """The fewest seconds that the keys take with this many servers in the inventory."""
    prepare(plan, count)
    app = make_app(plan)
    app.session.set("architecture", "distributed")
    rounds = []
    async with app.run_test(size=(80, 24)) as pilot:
        await goto(pilot, app, "roles")
        for _ in range(ROUNDS):
            begun = time.perf_counter()
            await pilot.press(*KEYS)
            rounds.append(time.perf_counter() - begun)
    return min(rounds)


async def test_a_key_in_a_list_of_a_hundred_servers(make_app: MakeApp, plan_path: Path) -> None:
    few, many = [await fastest_round(make_app, plan_path, count) for count in (4, 100)]
    print(f"\nfour keys in step 2: {few * 1000:.0f} ms with 4 servers, {many * 1000:.0f} ms with 100")
    print(f"ratio 100 servers / 4 servers: {many / few:.2f} (aim: at most 3)")
