"""``node status|drain|return PLAN [NODE]``: the servers between which the mailboxes move."""

from __future__ import annotations

import argparse
import asyncio

from mailwiz_tui.commands.terminal import say
from mailwiz_tui.commands.workspace import Workspace, open_workspace


async def _run(workspace: Workspace, options: argparse.Namespace) -> int:
    from mailwiz_tui.manage.node_words import as_json, lines, well
    from mailwiz_tui.manage.nodes import Nodes

    engine = workspace.engine(options)
    try:
        nodes = Nodes(engine)
        if options.action == "drain":
            state = await nodes.drain(options.node)
            say(f"{options.node} is drained; the mailboxes are on {state.store or 'no server'}")
            say(f"after the work: mailwiz-tui node return {options.plan} {options.node}")
            return 0
        if options.action == "return":
            await nodes.bring_back(options.node)
            say(f"{options.node} takes part again; what it missed is copied now")
            return 0
        views = await nodes.status()
    finally:
        await engine.close()
    if options.json:
        say(as_json(views))
    else:
        for line in lines(views):
            say(line)
    return 0 if well(views) else 1


def run(options: argparse.Namespace) -> int:
    """0 done or all well, 1 where something is not, 2 for a plan or a server that cannot be meant."""
    return asyncio.run(_run(open_workspace(options), options))
