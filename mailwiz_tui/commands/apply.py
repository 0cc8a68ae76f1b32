"""``apply PLAN``: installs and verifies; on a finished installation it changes nothing and says so."""

from __future__ import annotations

import argparse
import asyncio

from mailwiz_tui.commands.checks import verify_and_print
from mailwiz_tui.commands.credentials import CredentialsFile, show
from mailwiz_tui.commands.progress import ProgressPrinter
from mailwiz_tui.commands.terminal import ask, complain, interactive, say
from mailwiz_tui.commands.workspace import Workspace, open_workspace
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.manage.first_secrets import FirstSecrets
from mailwiz_tui.plan.findings import PlanError
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.published import web_addresses
from mailwiz_tui.plan.support import unsupported


async def _hand_over(engine: EngineApi, file: CredentialsFile | None) -> None:
    first = FirstSecrets(engine)
    handover = await first.collect()
    if not handover:
        if file is not None:
            file.discard()
            complain(f"{file.path}: not written, because no password was generated in this run")
        return
    if file is None:
        show(handover)
    else:
        file.write(handover)
        say(f"generated passwords were written to {file.path}")
    await first.acknowledge()


def _say_where(plan: Plan) -> None:
    """Where the web applications are."""
    for title, url in web_addresses(plan).items():
        say(f"{title}: {url}")


async def _apply(workspace: Workspace, options: argparse.Namespace) -> int:
    file = CredentialsFile(options.credentials) if options.credentials else None
    engine = workspace.engine(options)
    engine.subscribe(ProgressPrinter())
    handed_over = False
    try:
        outcomes = await engine.apply()
        failed = [outcome for outcome in outcomes.values() if not outcome.good]
        for outcome in failed:
            complain(outcome.line)
        if failed:
            return 1
        await _hand_over(engine, file)
        handed_over = True
        _say_where(workspace.plan)
        for line in engine.tell_removed_servers():
            say(line)
        if not any(o.changed for o in outcomes.values()):
            say("no changes")
            return 0
        return 0 if await verify_and_print(engine, resolver=options.resolver) else 1
    finally:
        if file is not None and not handed_over:
            file.discard()
        await engine.close()


def run(options: argparse.Namespace) -> int:
    """0 installed and verified, 1 failed (which server, which step, why, what to do), 2 faults in the plan."""
    workspace = open_workspace(options)
    workspace.warn()
    missing = unsupported(workspace.plan)
    if missing:
        raise PlanError(missing)
    if not options.yes:
        if not interactive():
            complain("apply changes servers, and there is no terminal to ask", "add --yes")
            return 2
        names = ", ".join(s.id for s in workspace.plan.servers)
        say(f"This installs a mail server on: {names}. `mailwiz-tui diff {options.plan}` shows every change.")
        if not ask("Continue?"):
            complain("nothing was changed")
            return 1
    return asyncio.run(_apply(workspace, options))
