"""``render PLAN -o DIR``: writes what each server would get, connecting to nobody."""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path

from mailwiz_tui.commands.terminal import complain, say
from mailwiz_tui.commands.workspace import open_workspace
from mailwiz_tui.deploy.sanitize import clean_line
from mailwiz_tui.plan.words import counted
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.stack.compile import compile_server


def _write(path: Path, content: str, mode: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content, encoding="utf-8")
    path.chmod(mode & 0o777)


def write_blueprint(blueprint: Blueprint, folder: Path) -> int:
    """Write one server's files under ``folder/files`` and its steps as ``blueprint.json``; count the files."""
    files = blueprint.files()
    for path, file in files.items():
        _write(folder / "files" / path.lstrip("/"), file.content, file.mode | 0o600)
    _write(folder / "packages.txt", "".join(f"{name}\n" for name in blueprint.packages()), 0o644)
    _write(folder / "blueprint.json", json.dumps(blueprint.to_json(), indent=2) + "\n", 0o644)
    return len(files)


async def _refresh(options: argparse.Namespace) -> None:
    engine = open_workspace(options).engine(options)
    try:
        await engine.prepare()
    finally:
        await engine.close()


def run(options: argparse.Namespace) -> int:
    """Write a folder per server: its files, packages and steps. Secrets stay ``{{secret:NAME}}``."""
    if options.refresh:
        asyncio.run(_refresh(options))
    workspace = open_workspace(options)
    workspace.warn()
    for server in workspace.plan.servers:
        if workspace.known.facts(server.id) is None:
            complain(f"{server.id}: no facts known; rendered for a Debian 13 server", "use --refresh to ask it")
        blueprint = compile_server(workspace.plan, server.id, workspace.known)
        folder = options.output / server.id
        count = write_blueprint(blueprint, folder)
        for finding in blueprint.findings:
            complain(f"{server.id}: note: {clean_line(finding)}")
        parts = ((count, "file"), (len(blueprint.packages()), "package"), (len(blueprint.steps), "step"))
        say(f"{folder}: {', '.join(counted(number, what) for number, what in parts)}")
    return 0
