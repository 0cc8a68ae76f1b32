"""``apply`` against bare ``apt-get install`` of the same packages on an identical host, in the same run.

Run with ``pytest -m bench -s tests/bench/test_apply.py``, as root, on a machine that does nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean

import pytest

from mailwiz_tui.deploy import agent_link
from mailwiz_tui.deploy.engine import Engine
from mailwiz_tui.deploy.prompts import RefusingPrompts
from mailwiz_tui.fleet.inventory import load_inventory
from mailwiz_tui.lab.lab import Lab, LabHost
from mailwiz_tui.plan.toml import load_plan
from mailwiz_tui.stack.compile import compile_server
from tests.lab.workspace import Workspace, make_workspace

pytestmark = [pytest.mark.bench, pytest.mark.timeout(1800)]

ROUNDS = 2
APT = "DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends"


def engine_of(workspace: Workspace) -> Engine:
    inventory = load_inventory(workspace.lab.paths.inventory)
    facts = workspace.folder / "plan.facts.json"
    return Engine(load_plan(workspace.plan), inventory, prompts=RefusingPrompts(), facts_path=facts)


def packages_of(workspace: Workspace) -> str:
    engine = engine_of(workspace)
    names = compile_server(engine.plan, workspace.host, engine.known).packages()
    return " ".join(("python3", "openssl", *names))


def apt_alone(lab: Lab, host: str, packages: str) -> float:
    begun = time.monotonic()
    lab.run(host, f"apt-get -q update && {APT} {packages}")
    return time.monotonic() - begun


async def apply_on(workspace: Workspace) -> float:
    begun = time.monotonic()
    engine = engine_of(workspace)
    try:
        outcome = (await engine.apply())[workspace.host]
    finally:
        await engine.close()
    assert outcome.good, outcome.line
    return time.monotonic() - begun


async def test_apply_against_bare_apt(
    lab: Lab, fresh_host: Callable[..., LabHost], fresh_domain: Callable[[], str], tmp_path: Path
) -> None:
    bare, ours = fresh_host().id, fresh_host().id
    workspace = make_workspace(lab, tmp_path, ours, fresh_domain())
    packages = packages_of(workspace)
    lab.run(bare, f"apt-get -q update && {APT} --download-only {packages}")
    alone, whole = [], []
    for number in range(ROUNDS):
        for turn in ("alone", "whole") if number % 2 else ("whole", "alone"):
            lab.reset(bare if turn == "alone" else ours)
            if turn == "alone":
                alone.append(apt_alone(lab, bare, packages))
            else:
                whole.append(await apply_on(workspace))
    print(f"\napt-get alone: {', '.join(f'{s:.1f} s' for s in alone)}")
    print(f"apply:         {', '.join(f'{s:.1f} s' for s in whole)}")
    print(f"ratio apply / apt-get: {mean(whole) / mean(alone):.2f} (aim: at most 1.15)")


async def test_apply_without_changes(
    lab: Lab,
    fresh_host: Callable[..., LabHost],
    fresh_domain: Callable[[], str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    workspace = make_workspace(lab, tmp_path, fresh_host().id, fresh_domain())
    await apply_on(workspace)
    asked: list[str] = []
    send = agent_link.AgentLink._send

    async def counting(self: agent_link.AgentLink, op: str, args: object) -> object:
        asked.append(op)
        return await send(self, op, args)

    monkeypatch.setattr(agent_link.AgentLink, "_send", counting)
    ours = await apply_on(workspace)
    begun = time.monotonic()
    lab.run(workspace.host, f"{APT} {packages_of(workspace)}")
    alone = time.monotonic() - begun
    print(f"\napply without changes: {ours:.2f} s, {len(asked)} round trips after connecting ({', '.join(asked)})")
    print(f"apt-get install of what is installed: {alone:.2f} s; ratio {ours / alone:.2f}")
