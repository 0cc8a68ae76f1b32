"""Waits for services that were started a moment ago: a unit is active before its program listens."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict

from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.stack.blueprint import Blueprint

PATIENCE = 60.0
PAUSE = 1.0


async def settle(blueprint: Blueprint, link: Link, *, patience: float = PATIENCE, pause: float = PAUSE) -> bool:
    """Wait until every TCP port of the blueprint is listened on and every service answers; whether they do.

    It does not wait where a unit is down, for then the port will not come, and the checks shall say so.
    """
    ports = {port.number for port in blueprint.ports if port.protocol == "tcp"}
    units = [unit.name for unit in blueprint.units() if unit.running and not unit.masked]
    deadline = time.monotonic() + patience
    while True:
        probes = [
            {"id": "ports", "argv": ["ss", "-Hltn"]},
            {"id": "units", "argv": ["systemctl", "is-failed", "--", *units]},
        ]
        answers = {str(a["id"]): a for a in await link.request("probes", probes=probes)}
        heard = {
            int(number)
            for line in str(answers["ports"]["output"]).splitlines()
            if len(words := line.split()) > 3 and (number := words[3].rpartition(":")[2]).isdigit()
        }
        if ports <= heard and not any(await _unanswered(blueprint, link)):
            return True
        states = str(answers["units"]["output"]).split()
        if any(state in ("failed", "inactive") for state in states) or time.monotonic() + pause > deadline:
            return False
        await asyncio.sleep(pause)


async def _unanswered(blueprint: Blueprint, link: Link) -> list[str]:
    """Why services do not answer; empty strings for those that do."""
    services = [asdict(ready) for ready in blueprint.ready()]
    return list(await link.request("answers", services=services)) if services else []
