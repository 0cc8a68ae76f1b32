"""``check PLAN``: validates plan and inventory together."""

from __future__ import annotations

import argparse

from mailwiz_tui.commands.terminal import complain, say
from mailwiz_tui.commands.workspace import examine
from mailwiz_tui.plan.findings import Severity
from mailwiz_tui.plan.support import unsupported


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
    say(f"{options.plan}: fine ({servers} server{'s' if servers != 1 else ''})")
    return 0
