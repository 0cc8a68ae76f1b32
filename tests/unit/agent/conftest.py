"""Fixtures for the agent's tests: a machine to rehearse on, and runs carried out in this process."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.agent.core import run, steps
from mailwiz_tui.agent.core.context import Context
from mailwiz_tui.agent.protocol.blueprint import AgentBlueprint
from mailwiz_tui.agent.protocol.codec import to_json
from tests.unit.agent.rehearsal import Rehearsal, as_options

Carry = Callable[..., list[dict[str, Any]]]
Compare = Callable[[AgentBlueprint], list[dict[str, Any]]]


@pytest.fixture
def machine(tmp_path: Path) -> Rehearsal:
    return Rehearsal(tmp_path / "root")


@pytest.fixture
def carry(machine: Rehearsal) -> Carry:
    """Carries out a blueprint and returns the journal's events."""
    count = 0

    def carry_out(blueprint: AgentBlueprint, **options: Any) -> list[dict[str, Any]]:
        nonlocal count
        count += 1
        folder = Path(machine.host.state("runs", f"run-{count:03d}"))
        folder.mkdir(parents=True)
        (folder / "blueprint.json").write_text(json.dumps(to_json(blueprint)))
        (folder / "options.json").write_text(json.dumps(as_options(**options)))
        run.run(machine.host, folder.name)
        return [json.loads(line) for line in (folder / "journal.jsonl").read_text().splitlines()]

    return carry_out


@pytest.fixture
def compare(machine: Rehearsal) -> Compare:
    """What a dry run finds, as a flat list of changes."""

    def look(blueprint: AgentBlueprint) -> list[dict[str, Any]]:
        found = steps.compare(Context.of(machine.host, blueprint, predict=True))
        return [asdict(change) for entry in found for change in entry.changes]

    return look
