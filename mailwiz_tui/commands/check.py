"""``check PLAN``: validates plan and inventory together; ``--network`` also tries the network between them."""

from __future__ import annotations

import argparse
import asyncio

from mailwiz_tui.commands.terminal import complain, say
from mailwiz_tui.commands.workspace import Workspace, examine
from mailwiz_tui.plan.findings import Severity
from mailwiz_tui.plan.support import unsupported
from mailwiz_tui.plan.words import counted
from mailwiz_tui.topology.servers import linked


def run(options: argparse.Namespace) -> int:
    """Print each finding on a line of its own; 0 where there is no fault, else 2."""
    workspace, findings = examine(options.plan, options.inventory)
    for finding in findings:
        if finding.severity is Severity.FAULT:
            complain(finding.line)
        else:
            complain(f"warning: {finding.line}")
    if workspace is None:
        return 2
    for finding in unsupported(workspace.plan):
        complain(f"note: {finding.line}")
    servers = len(workspace.plan.servers)
    if options.network and not asyncio.run(_network(workspace, options)):
        return 2
    say(f"{options.plan}: fine ({counted(servers, 'server')})")
    return 0


async def _network(workspace: Workspace, options: argparse.Namespace) -> bool:
    """Print how each pair of servers reaches each other; False where some do not."""
    engine = workspace.engine(options)
    try:
        reports = await engine.survey()
    finally:
        await engine.close()
    silent = {server.id for server in workspace.plan.servers} - {n for r in reports for n in (r.first, r.second)}
    for report in reports:
        say(report.line)
        if finding := report.finding:
            fault = finding.severity is Severity.FAULT
            complain(finding.line if fault else f"warning: {finding.line}")
    if not linked(workspace.plan):
        return all(report.good for report in reports)
    for name in sorted(silent):
        complain(f"network: {name} was not reached, so its paths were not tried (is it up? see mailwiz-tui diff)")
    return not silent and all(report.good for report in reports)
