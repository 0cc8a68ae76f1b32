"""``backup run|list|restore PLAN``: copies of accounts, mail and own configuration, made and brought back."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from pydantic import SecretStr

from mailwiz_tui.commands.secret import read_secret
from mailwiz_tui.commands.terminal import ask, complain, interactive, say
from mailwiz_tui.commands.workspace import Workspace, open_workspace
from mailwiz_tui.deploy.account_copies import refresh_copies
from mailwiz_tui.deploy.agent_link import AgentError
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.ssh import SshError
from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.manage.backup import Backups, Progress, backup_servers
from mailwiz_tui.plan.findings import Finding, PlanError
from mailwiz_tui.plan.model import Plan


def add_arguments(parser: argparse.ArgumentParser, connecting: Callable[[argparse.ArgumentParser], None]) -> None:
    """The three actions and their options; ``connecting`` adds those of every command that connects."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    helps = {
        "run": "make a backup now",
        "list": "list the backups",
        "restore": "restore a backup; present mail stays",
    }
    for name, text in helps.items():
        action = actions.add_parser(name, help=text, description=text)
        action.add_argument("plan", metavar="PLAN", type=Path, help="the plan file (TOML)")
        action.add_argument("--inventory", type=Path, metavar="FILE", help="servers (default: beside the plan)")
        action.add_argument("--server", metavar="ID", default="", help="only this store")
        connecting(action)
        if name == "restore":
            action.add_argument("snapshot", nargs="?", default="latest", metavar="BACKUP", help="which one")
            action.add_argument("--key", action="store_true", help="ask for the recovery key (on a new server)")
            action.add_argument(
                "--key-stdin", action="store_true", help="read the recovery key from standard input"
            )
            action.add_argument("--resolver", metavar="ADDRESS", default="", help="look records up there")
            action.add_argument("--yes", action="store_true", help="do not ask before mail is stopped")


async def _follow(work: AsyncIterator[Progress]) -> None:
    shown = -1
    async for progress in work:
        if progress.percent is None:
            say(progress.text)
        elif progress.percent >= shown + 5 or progress.percent < shown:
            shown = progress.percent
            say(f"  {shown} %")


async def _list(backups: Backups, server_id: str) -> None:
    found = await backups.snapshots()
    for snapshot in found:
        say(f"{server_id}  {snapshot.id}  {snapshot.time[:19].replace('T', ' ')}  {snapshot.host}")
    if not found:
        raise AgentError("there is no backup yet", server_id, "make one: mailwiz-tui backup run PLAN")


async def _ask_for_keys(engine: EngineApi) -> None:
    """Learn the public keys of all servers, for their records; of several one may be dead."""
    try:
        await engine.prepare()
    except (AgentError, SshError) as error:
        if len(engine.plan.servers) == 1:
            raise
        complain(str(error))


async def _restore(backups: Backups, options: argparse.Namespace, key: SecretStr | None) -> None:
    if key is not None:
        await backups.unlock(key)
    await _follow(backups.restore(options.snapshot))


async def _side_effects(engine: EngineApi, options: argparse.Namespace) -> None:
    """What a restore leaves to be done: the other servers' copies of the accounts, records, and ``apply``."""
    await refresh_copies(engine)
    await _say_records(engine, options.resolver)
    say("")
    say(f"Now run `mailwiz-tui apply {options.plan}`: it applies your own settings and verifies.")


async def _say_records(engine: EngineApi, resolver: str) -> None:
    """No private key is in a backup: which records differ from the new keys' has to be seen and published."""
    from mailwiz_tui.dns.live import compare

    records = plan_records(engine.plan, engine.known, engine.inventory)
    states = await compare(records, resolver=resolver or engine.inventory.resolver or None)
    differing = [state for state in states if not state.fine]
    say("")
    if not differing:
        say("The published records match this server's keys and addresses.")
        return
    say("This server has new keys, because a backup contains no private keys. Publish these records:")
    for state in differing:
        record = state.record
        say(f"  {record.name}. {record.type} {record.rdata}")


def _recovery_key(options: argparse.Namespace) -> SecretStr | None:
    """The key from standard input or the terminal; None where none is to be given. Raises PlanError without one."""
    if not _wants_key(options):
        return None
    key = read_secret("Recovery key", from_stdin=options.key_stdin) if options.key_stdin or interactive() else None
    if key is None:
        raise PlanError([Finding("recovery key", "was not given", advice="without a terminal use --key-stdin")])
    return key


async def _work(workspace: Workspace, options: argparse.Namespace, key: SecretStr | None) -> int:
    """On one server after the other, the one with the accounts first; one that fails does not stop the others."""
    engine = workspace.engine(options)
    servers = _servers(workspace.plan, options)
    failed = 0
    try:
        if options.action == "restore":
            await _ask_for_keys(engine)
        for server_id in servers:
            backups = Backups(engine, server_id)
            if len(servers) > 1 and options.action != "list":
                say(f"{server_id}:")
            try:
                match options.action:
                    case "list":
                        await _list(backups, server_id)
                    case "run":
                        await _follow(backups.run())
                    case _:
                        await _restore(backups, options, key)
            except (AgentError, SshError) as error:
                if len(servers) == 1:
                    raise
                complain(f"{server_id}: {error}")
                failed += 1
        if options.action == "restore" and failed < len(servers):
            await _side_effects(engine, options)
        return 1 if failed else 0
    finally:
        await engine.close()


def _servers(plan: Plan, options: argparse.Namespace) -> tuple[str, ...]:
    """The servers that are meant. Raises PlanError for one that makes no backup, or where one has to be named."""
    servers = backup_servers(plan)
    named = ", ".join(servers)
    if options.server:
        if options.server not in servers:
            raise PlanError([Finding("--server", f"{options.server} keeps no mailboxes", advice=f"one of {named}")])
        return (options.server,)
    if len(servers) > 1 and options.action == "restore":
        for given, what in ((options.snapshot != "latest", "this backup"), (_wants_key(options), "this key")):
            if given:
                raise PlanError(
                    [Finding("--server", f"is needed: {what} belongs to one server", advice=f"one of {named}")]
                )
    return servers


def _wants_key(options: argparse.Namespace) -> bool:
    return bool(options.key or options.key_stdin)


def run(options: argparse.Namespace) -> int:
    """0 done, 1 failed or nothing to list, 2 faults in the plan or nobody to ask."""
    workspace = open_workspace(options)
    if not workspace.plan.backup.target:
        raise PlanError([Finding("backup.target", "is empty: no backup is planned", advice="set it and run apply")])
    _servers(workspace.plan, options)
    key = None
    if options.action == "restore":
        key = _recovery_key(options)
        if not options.yes:
            if not (sys.stdin.isatty() and interactive()):
                complain("restore stops mail, and there is no terminal to ask", "add --yes")
                return 2
            if not ask("Mail is stopped during the restore. Continue?"):
                complain("nothing was changed")
                return 1
    return asyncio.run(_work(workspace, options, key))
