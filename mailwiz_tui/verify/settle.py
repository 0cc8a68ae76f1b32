"""Waits for services that were just started: a unit is active before its program listens."""

from __future__ import annotations

import asyncio
import time

from mailwiz_tui.agent.protocol.probes import ProbeCommand, RunProbes
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.verify import server_checks

PATIENCE = 60.0
PAUSE = 1.0


async def settle(blueprint: Blueprint, link: Link, *, patience: float = PATIENCE, pause: float = PAUSE) -> bool:
    """Wait until every TCP port of the blueprint has a listener and every service answers; return whether they do.

    Does not wait where a unit is down: its port will not open, and the checks report the unit.
    """
    ports = {port.number for port in blueprint.ports if port.protocol == "tcp"}
    units = [unit.name for unit in blueprint.units() if unit.running and not unit.masked]
    deadline = time.monotonic() + patience
    while True:
        listening = ProbeCommand("ports", ("ss", "-Hltn"))
        failing = ProbeCommand("units", ("systemctl", "is-failed", "--", *units))
        sockets, states = await link.ask(RunProbes((listening, failing)))
        heard = {
            int(number)
            for line in sockets.output.splitlines()
            if len(words := line.split()) > 3 and (number := words[3].rpartition(":")[2]).isdigit()
        }
        if ports <= heard and not any(await _unanswered(blueprint, link)):
            return True
        if (
            any(state in ("failed", "inactive") for state in states.output.split())
            or time.monotonic() + pause > deadline
        ):
            return False
        await asyncio.sleep(pause)


async def _unanswered(blueprint: Blueprint, link: Link) -> tuple[str, ...]:
    """Why services do not answer; an empty string for each that does."""
    asked = server_checks.services(blueprint.ready())
    return await link.ask(asked) if asked.services else ()
