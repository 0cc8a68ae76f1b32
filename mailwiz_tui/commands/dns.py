"""``dns PLAN``: prints the records, compares them with the live DNS, or publishes them."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Sequence

from mailwiz_tui.commands.failure import report
from mailwiz_tui.commands.terminal import complain, interactive, say
from mailwiz_tui.commands.workspace import Workspace, open_workspace
from mailwiz_tui.dns import export
from mailwiz_tui.dns.changes import Change
from mailwiz_tui.dns.record import Record
from mailwiz_tui.dns.records import plan_notes, plan_records


async def _refresh(workspace: Workspace, options: argparse.Namespace) -> None:
    engine = workspace.engine(options)
    try:
        await engine.prepare()
    finally:
        await engine.close()


async def _compare(records: Sequence[Record], former: Sequence[Record], resolver: str) -> int:
    from mailwiz_tui.dns.live import compare
    from mailwiz_tui.dns.stale_records import left_over

    states = await compare(records, resolver or None)
    for state in states:
        say(state.line)
    old = left_over(await compare(former, resolver or None)) if former else []
    for change in old:
        advice = "remove it, the server was removed from the plan"
        say(f"{'former':<10} {'':<12} {change.name} {change.type}: {advice}: {', '.join(change.remove)}")
    return 0 if all(state.fine for state in states) and not old else 1


async def _publish(
    workspace: Workspace, records: Sequence[Record], options: argparse.Namespace, key_text: str
) -> int:
    from mailwiz_tui.dns.changes import changes
    from mailwiz_tui.dns.live import compare
    from mailwiz_tui.dns.publish import parse_key, publish
    from mailwiz_tui.dns.stale_records import left_over, stale_mx, stale_records

    key = parse_key(key_text)
    resolver, own = options.resolver or None, stale_mx(workspace.plan, workspace.known)
    wanted, left = changes(await compare(records, resolver), replace_mx=options.replace_mx, own=own)
    if former := stale_records(workspace.plan, workspace.known):
        wanted += left_over(await compare(former, resolver))
    for record in left:
        complain(f"{record.record.name} {record.record.type}: not published: {record.reason}")
    if not wanted:
        say("all records that can be published are published")
        return 0 if not left else 1
    sent = await publish(wanted, options.server, key)
    for zone in sent:
        if zone.problem:
            complain(f"{zone.zone}: {zone.problem}")
            continue
        for change in zone.changes:
            say(f"{zone.zone}: {change.name} {change.type} {_done(change)}")
    return 1 if left or any(zone.problem for zone in sent) else 0


def _done(change: Change) -> str:
    if not change.add:
        return "removed"
    return "replaced" if change.remove else "published"


def _key_from_input() -> str:
    if interactive():
        import getpass

        return getpass.getpass("TSIG key ([ALGORITHM:]NAME:SECRET): ")
    return sys.stdin.read().strip()


def run(options: argparse.Namespace) -> int:
    """Print in the chosen format; with ``--check`` or ``--publish`` 0 where the live DNS agrees, else 1."""
    if options.publish and not options.server:
        complain("--publish needs a name server", "add --server ADDRESS: the zone's primary name server")
        return 2
    workspace = open_workspace(options)
    if options.refresh:
        asyncio.run(_refresh(workspace, options))
        workspace = open_workspace(options)
    elif not workspace.known.servers:
        complain(
            "addresses and DKIM keys are not known yet",
            "run with --refresh to create the keys on the servers and read their public halves",
        )
    # a domain is published for only once the plan has it
    plan, known = workspace.plan, workspace.known
    records = plan_records(plan, known, workspace.inventory, accounts=not options.publish)
    if options.check or options.publish:
        from mailwiz_tui.dns.lookup import ResolverError
        from mailwiz_tui.dns.publish import UpdateKeyError
        from mailwiz_tui.dns.stale_records import stale_records

        try:
            if options.publish:
                options.resolver = options.resolver or workspace.inventory.resolver
                return asyncio.run(_publish(workspace, records, options, _key_from_input()))
            former = stale_records(workspace.plan, workspace.known)
            return asyncio.run(_compare(records, former, options.resolver or workspace.inventory.resolver))
        except (ResolverError, UpdateKeyError) as error:
            report(error)
            return 2
    notes = plan_notes(workspace.plan, workspace.known, workspace.inventory)
    text = {
        "text": lambda: export.as_text(records, notes),
        "zone": lambda: export.as_zone(records),
        "web": lambda: export.as_web_values(records),
        "json": lambda: export.as_json(records, notes),
    }[options.format]()
    say(text.rstrip("\n"))
    return 0
