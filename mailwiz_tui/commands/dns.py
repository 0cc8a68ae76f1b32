"""``dns PLAN``: prints the records, or compares them with the live DNS."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence

from mailwiz_tui.commands.terminal import complain, say
from mailwiz_tui.commands.workspace import Workspace, open_workspace
from mailwiz_tui.dns import export
from mailwiz_tui.dns.record import Record
from mailwiz_tui.dns.records import plan_records

_FORMATS = {
    "text": export.as_text,
    "zone": export.as_zone,
    "web": export.as_web_values,
    "json": export.as_json,
}


async def _refresh(workspace: Workspace, options: argparse.Namespace) -> None:
    engine = workspace.engine(options)
    try:
        await engine.prepare()
    finally:
        await engine.close()


def _compare(records: Sequence[Record], resolver: str) -> int:
    from mailwiz_tui.dns.live import compare

    states = asyncio.run(compare(records, resolver=resolver or None))
    for state in states:
        say(state.line)
    return 0 if all(state.fine for state in states) else 1


def run(options: argparse.Namespace) -> int:
    """Print in the chosen format; with ``--check`` 0 where the live DNS agrees, else 1."""
    workspace = open_workspace(options)
    if options.refresh:
        asyncio.run(_refresh(workspace, options))
        workspace = open_workspace(options)
    elif not workspace.known.servers:
        complain(
            "addresses and DKIM keys are not known yet",
            "run with --refresh to make the keys on the servers and fetch the public halves",
        )
    records = plan_records(workspace.plan, workspace.known)
    if options.check:
        return _compare(records, options.resolver)
    say(_FORMATS[options.format](records).rstrip("\n"))
    return 0
