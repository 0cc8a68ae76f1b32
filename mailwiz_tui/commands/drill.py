"""``drill PLAN``: moves the mailboxes of a cluster, planned and by force, and counts every message meanwhile."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from pathlib import Path

from mailwiz_tui.commands.terminal import ask_word, complain, interactive, say
from mailwiz_tui.commands.workspace import Workspace, open_workspace
from mailwiz_tui.topology.servers import voters
from mailwiz_tui.verify.drill.options import RATES, DrillOptions


def _write(path: Path, text: str) -> bool:
    """Writes a new file; one that is there is not replaced."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        complain(f"{path}: the report is not written: {error.strerror}")
        return False
    return True


def _agreed(active: str) -> bool:
    if not interactive():
        complain("a drill resets a server, and there is no terminal to confirm it", "add --yes")
        return False
    if ask_word(f"Type {active} to begin: ") != active:
        complain("nothing was changed")
        return False
    return True


async def _drill(workspace: Workspace, options: argparse.Namespace, path: Path) -> int:
    from mailwiz_tui.verify.drill.report import as_json, as_markdown, in_short
    from mailwiz_tui.verify.drill.run import active_server, announcement, drill

    tell = complain if options.json else say
    chosen = DrillOptions(rate=options.rate, limit=options.limit)
    engine = workspace.engine(options)
    try:
        active = await active_server(engine)
        for line in announcement(engine, active, chosen):
            tell(line)
        if not options.yes and not _agreed(active):
            return 2
        report = await drill(engine, chosen, tell)
    finally:
        await engine.close()
    if options.json:
        say(as_json(report))
    else:
        for line in in_short(report):
            say(line)
    if _write(path, as_markdown(report)):
        tell(f"report: {path}")
    if report.interrupted:
        return 130
    return 0 if report.passed else 1


def run(options: argparse.Namespace) -> int:
    """0 passed, 1 not passed or not begun, 2 for a plan whose mailboxes do not move or without a confirmation."""
    workspace = open_workspace(options)
    if not voters(workspace.plan):
        complain(
            "a drill needs a cluster: in this plan each mailbox stays on its server", "see step 1, architecture"
        )
        return 2
    lowest, highest = RATES
    if not lowest <= options.rate <= highest or not options.limit > 0:
        complain(f"--rate (messages a second) must be {lowest:g} to {highest:g}, and --limit above 0 s")
        return 2
    path = options.report or Path(time.strftime("drill-%Y%m%d-%H%M%S.md"))
    if path.exists():
        complain(f"{path} is there already", "choose another --report FILE")
        return 2
    return asyncio.run(_drill(workspace, options, path))
