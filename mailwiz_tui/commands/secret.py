"""``secret PLAN [NAME]``: secrets that only the operator knows, sent to the servers that need them."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import sys

from pydantic import SecretStr

from mailwiz_tui.commands.terminal import complain, interactive, say
from mailwiz_tui.commands.workspace import Workspace, open_workspace


def read_secret(question: str, *, from_stdin: bool) -> SecretStr | None:
    """A line from standard input, or typed twice on the terminal without echo; None where there is none."""
    if from_stdin:
        return SecretStr(line) if (line := sys.stdin.readline().rstrip("\r\n")) else None
    first = getpass.getpass(f"{question}: ")
    if not first:
        return None
    if getpass.getpass("Once more: ") != first:
        complain("the two inputs differ; nothing was changed")
        return None
    return SecretStr(first)


async def _list(workspace: Workspace, options: argparse.Namespace) -> int:
    from mailwiz_tui.manage.secrets import look_everywhere

    engine = workspace.engine(options)
    try:
        secrets = await look_everywhere(engine)
    finally:
        await engine.close()
    for secret in secrets:
        say(f"{secret.name}  {'MISSING' if secret.missing else 'given'}  {secret.title} ({secret.server_id})")
    if not secrets:
        say("this plan requires no secret from you")
    return 1 if any(secret.missing for secret in secrets) else 0


async def _give(workspace: Workspace, options: argparse.Namespace) -> int:
    from mailwiz_tui.manage.secrets import give_everywhere, wanted_everywhere

    engine = workspace.engine(options)
    try:
        titles = wanted_everywhere(engine)
        if options.name not in titles:
            known = ", ".join(titles) or "none"
            complain(f"the plan requires no secret {options.name!r}", f"it requires: {known}")
            return 2
        if not options.stdin and not interactive():
            complain("there is no terminal to ask for the secret", "add --stdin and write it to standard input")
            return 2
        title = titles[options.name]
        value = read_secret(f"{title[:1].upper()}{title[1:]}", from_stdin=options.stdin)
        if value is None:
            complain("no secret was given")
            return 2
        places = await give_everywhere(engine, options.name, value)
        say(f"the {title} is stored on {', '.join(places)}; run apply to use it")
        return 0
    finally:
        await engine.close()


def run(options: argparse.Namespace) -> int:
    """Without NAME: what is wanted, 1 where something is missing. With NAME: give it."""
    workspace = open_workspace(options)
    return asyncio.run(_give(workspace, options) if options.name else _list(workspace, options))
