"""``diff PLAN``: connects, changes nothing, and shows what apply would change."""

from __future__ import annotations

import argparse
import asyncio

from mailwiz_tui.commands.terminal import say
from mailwiz_tui.commands.workspace import Workspace, open_workspace


async def _diff(workspace: Workspace, options: argparse.Namespace) -> int:
    engine = workspace.engine(options)
    try:
        differences = await engine.diff()
    finally:
        await engine.close()
    for server_id, difference in differences.items():
        if difference.empty:
            say(f"{server_id}: nothing to do")
            continue
        say(f"{server_id}:")
        for line in difference.lines():
            say(f"  {line}" if line else "")
    return 0 if all(d.empty for d in differences.values()) else 1


def run(options: argparse.Namespace) -> int:
    """Print a unified diff of each file, packages and units, per server; 0 nothing to do, 1 changes."""
    workspace = open_workspace(options)
    workspace.warn()
    return asyncio.run(_diff(workspace, options))
