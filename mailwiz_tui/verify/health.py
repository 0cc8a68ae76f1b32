"""How a running server is doing, in one look: what its own checks say, and the numbers an operator watches."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any

from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.plan.words import counted
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.topology.servers import account_store_id
from mailwiz_tui.verify import account_domains, server_checks
from mailwiz_tui.verify.alerts import restarts
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.sample import Sample
from mailwiz_tui.verify.watch import running_units

_NUMBERS = (
    {"id": "queue", "argv": ["sh", "-c", "postqueue -j | wc -l"]},
    {"id": "bans", "argv": ["sh", "-c", "fail2ban-client banned | grep -o \"'[0-9a-f.:]*'\" | sort -u | wc -l"]},
)


@dataclass(frozen=True, slots=True)
class Health:
    """One server at one moment. Sizes in bytes; a number is None where the server could not tell it.

    ``restarts`` are sentences about services that crashed and came back by themselves within the last day.
    """

    server_id: str
    at: float
    results: tuple[CheckResult, ...]
    queue: int | None
    bans: int | None
    disk_free: int
    memory_available: int
    certificate_days: float | None
    restarts: tuple[str, ...] = ()

    @property
    def failures(self) -> tuple[CheckResult, ...]:
        """The checks that did not pass."""
        return tuple(r for r in self.results if r.state is CheckState.FAILED)

    @property
    def warnings(self) -> tuple[CheckResult, ...]:
        """The checks that passed with a word of warning."""
        return tuple(r for r in self.results if r.state is CheckState.WARNING)

    @property
    def line(self) -> str:
        """The whole in one line."""
        passed = sum(r.state is CheckState.PASSED for r in self.results)
        words = [
            f"{passed} of {counted(len(self.results), 'check')} passed",
            f"{_count(self.queue)} in the queue",
            f"{_count(self.bans)} banned",
            f"{self.disk_free / (1 << 30):.1f} GB disk free",
            f"{self.memory_available / (1 << 20):.0f} MB memory available",
        ]
        if self.certificate_days is not None:
            words.append(f"certificate valid {counted(round(self.certificate_days), 'day')}")
        return ", ".join(words)


async def look(engine: EngineApi, blueprint: Blueprint) -> Health:
    """Ask one server how it is; four requests side by side over its warm connection.

    Raises what the connection raises: SshError, AgentError.
    """
    server_id = blueprint.server_id
    link = await engine.link(server_id)
    results, units, numbers, facts = await asyncio.gather(
        server_checks.run(blueprint, link),
        link.request("units", units=running_units(blueprint)),
        link.request("probes", probes=list(_NUMBERS)),
        engine.probe(engine.server(server_id)),
    )
    if server_id == account_store_id(engine.plan):
        results = [*results, account_domains.judge(engine.plan, server_id, facts.account_domains)]
    told = {answer["id"]: _number(answer) for answer in numbers}
    record = engine.known.servers.get(server_id)
    until = record.tls.not_after if record and record.tls else 0.0
    return Health(
        server_id=server_id,
        at=time.time(),
        results=tuple(results),
        queue=told.get("queue"),
        bans=told.get("bans"),
        disk_free=min((disk.free for disk in facts.disks), default=0),
        memory_available=facts.memory_available,
        certificate_days=(until - time.time()) / 86400 if until else None,
        restarts=tuple(
            found.what for found in restarts(Sample.model_validate({"at": time.time(), "units": units}))
        ),
    )


def _number(answer: dict[str, Any]) -> int | None:
    text = str(answer["output"]).strip()
    return int(text) if answer["exit"] == 0 and text.isdigit() else None


def _count(number: int | None) -> str:
    return "?" if number is None else str(number)
