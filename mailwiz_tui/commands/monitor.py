"""``monitor PLAN``: follows an installation in progress, else prints how each server is doing."""

from __future__ import annotations

import argparse
import asyncio
import time

from mailwiz_tui.commands.progress import ProgressPrinter
from mailwiz_tui.commands.terminal import complain, say
from mailwiz_tui.commands.workspace import Workspace, open_workspace
from mailwiz_tui.install.engine import Engine
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.verify.health import look


async def _show(engine: Engine, blueprint: Blueprint) -> None:
    try:
        health = await look(engine, blueprint)
    except Exception as error:
        what = getattr(error, "what", "")
        if not what:
            raise
        complain(f"{blueprint.server_id}: {what}", getattr(error, "advice", ""))
        return
    clock = time.strftime("%H:%M:%S", time.localtime(health.at))
    say(f"{clock} {health.server_id}: {health.line}")
    for failure in health.failures:
        say(f"{clock} {health.server_id}: FAIL {failure.id}: {failure.detail}")


async def _monitor(workspace: Workspace, options: argparse.Namespace) -> int:
    engine = workspace.engine(options)
    engine.subscribe(ProgressPrinter())
    try:
        await engine.attach()
        blueprints = engine.blueprints().values()
        while True:
            await asyncio.gather(*(_show(engine, blueprint) for blueprint in blueprints))
            if options.once:
                return 0
            await asyncio.sleep(max(1.0, options.interval))
    finally:
        await engine.close()


def run(options: argparse.Namespace) -> int:
    """Print a line per server each interval, and what failed; Ctrl+C ends it, what runs on servers goes on."""
    workspace = open_workspace(options)
    try:
        return asyncio.run(_monitor(workspace, options))
    except KeyboardInterrupt:
        return 0
