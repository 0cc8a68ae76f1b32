"""The controller for the fleet's benchmark: follows a run on every server of an inventory, and measures itself.

``python -m tests.bench.many_followed INVENTORY SECONDS`` prints one JSON object.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sys
import time
from pathlib import Path

from mailwiz_tui.deploy.events import Event, LogLine
from mailwiz_tui.deploy.follower import Follower
from mailwiz_tui.deploy.pool import Pool
from mailwiz_tui.deploy.prompts import RefusingPrompts
from mailwiz_tui.fleet.inventory import load_inventory

SETTLED = 2.0


def memory() -> float:
    """What this process holds now, in MiB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / (1 << 20)


async def longest_stall(until: float) -> float:
    """The longest time that the loop did not come round, in seconds."""
    worst = 0.0
    while time.monotonic() < until:
        begun = time.monotonic()
        await asyncio.sleep(0.02)
        worst = max(worst, time.monotonic() - begun - 0.02)
    return worst


async def main(inventory: Path, seconds: float) -> dict[str, float]:
    """Connect to all, follow all, and measure while all print."""
    servers = load_inventory(inventory).servers
    lines, heard = 0, set()

    def count(event: Event) -> None:
        nonlocal lines
        if isinstance(event, LogLine):
            lines += 1
            heard.add(event.server_id)

    pool, bare = Pool(RefusingPrompts()), memory()
    begun, spent = time.monotonic(), time.process_time()
    await asyncio.gather(*(pool.link(server) for server in servers))
    connected, connecting = time.monotonic() - begun, time.process_time() - spent
    tasks = [asyncio.create_task(Follower(pool, server, "run", count).follow()) for server in servers]
    await asyncio.sleep(SETTLED)
    begun, spent, before = time.monotonic(), time.process_time(), lines
    stall = await longest_stall(begun + seconds)
    found = {
        "servers": len(servers),
        "heard": len(heard),
        "cpu": (time.process_time() - spent) / (time.monotonic() - begun),
        "lines": (lines - before) / (time.monotonic() - begun),
        "memory": memory() - bare,
        "bare": bare,
        "stall": stall,
        "connected": connected,
        "connecting": connecting,
    }
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await pool.close()
    return found


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(Path(sys.argv[1]), float(sys.argv[2])))))
