"""``verify PLAN``: all checks, against the running servers."""

from __future__ import annotations

import argparse
import asyncio

from mailwiz_tui.commands.checks import all_passed, verify_and_print
from mailwiz_tui.commands.terminal import say
from mailwiz_tui.commands.workspace import Workspace, open_workspace


async def _verify(workspace: Workspace, options: argparse.Namespace) -> bool:
    from mailwiz_tui.verify.run import results_as_json, verify

    engine = workspace.engine(options)
    try:
        if not options.json:
            return await verify_and_print(engine, to=options.to, resolver=options.resolver)
        results = await verify(engine, on_result=lambda _: None, to=options.to, resolver=options.resolver or None)
        say(results_as_json(results))
        return all_passed(results)
    finally:
        await engine.close()


def run(options: argparse.Namespace) -> int:
    """Print every check; 0 where all passed, 1 where one failed."""
    workspace = open_workspace(options)
    return 0 if asyncio.run(_verify(workspace, options)) else 1
