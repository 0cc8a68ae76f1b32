"""``monitor PLAN``: opens the monitor; without a terminal, or if asked, prints how each server is doing."""

from __future__ import annotations

import argparse
import asyncio
import dataclasses
import importlib
import json
import os
import sys
import time

from mailwiz_tui.commands.progress import ProgressPrinter
from mailwiz_tui.commands.terminal import complain, say
from mailwiz_tui.commands.workspace import Workspace, open_workspace
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.verify.health import look


async def _show(engine: EngineApi, blueprint: Blueprint, *, as_json: bool) -> None:
    try:
        health = await look(engine, blueprint)
    except OperatorError as error:
        complain(f"{blueprint.server_id}: {error.what}", error.advice)
        return
    if as_json:
        say(json.dumps(dataclasses.asdict(health)))
        return
    clock = time.strftime("%H:%M:%S", time.localtime(health.at))
    say(f"{clock} {health.server_id}: {health.line}")
    for restart in health.restarts:
        say(f"{clock} {health.server_id}: WARN {restart}")
    for failure in health.failures:
        say(f"{clock} {health.server_id}: FAIL {failure.id}: {failure.detail}")
    for warning in health.warnings:
        say(f"{clock} {health.server_id}: WARN {warning.id}: {warning.detail} ({warning.advice})")


async def _monitor(workspace: Workspace, options: argparse.Namespace) -> int:
    engine = workspace.engine(options)
    try:
        if not options.json:
            engine.subscribe(ProgressPrinter())
        await engine.attach()
        blueprints = engine.blueprints().values()
        while True:
            await asyncio.gather(*(_show(engine, blueprint, as_json=options.json) for blueprint in blueprints))
            if options.once:
                return 0
            await asyncio.sleep(max(1.0, options.interval))
    finally:
        await engine.close()


def run(options: argparse.Namespace) -> int:
    """Show the screen, or print a line per server each interval, and what failed.

    Ctrl+C ends the lines; what runs on servers goes on.
    """
    workspace = open_workspace(options)
    if _on_a_screen(options):
        run_app = importlib.import_module("mailwiz_tui.ui.app.run").run_app
        code: int = run_app(options.plan, options.inventory, begin="monitor", resolver=options.resolver)
        return code
    try:
        return asyncio.run(_monitor(workspace, options))
    except KeyboardInterrupt:
        return 0


def _on_a_screen(options: argparse.Namespace) -> bool:
    asked_for_lines = options.once or options.plain or options.json
    terminal = sys.stdin.isatty() and sys.stdout.isatty() and os.environ.get("TERM", "") not in {"", "dumb"}
    return terminal and not asked_for_lines
