"""Watches running servers: one round trip a sample, and the mail log from where the last sample ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from dataclasses import dataclass

from mailwiz_tui.agent.protocol.codec import to_json
from mailwiz_tui.agent.protocol.watch import LookAround
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.store_place import as_placed
from mailwiz_tui.dns.live import RecordState, compare
from mailwiz_tui.dns.match import State
from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.fleet.account_domains import AccountDrift, compared
from mailwiz_tui.plan.model import PrivateNetwork
from mailwiz_tui.plan.words import counted
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.topology.servers import account_store_id, clustered, linked
from mailwiz_tui.verify import account_domains, server_checks
from mailwiz_tui.verify.alerts import Alert, drift
from mailwiz_tui.verify.health import Health
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.sample import Sample

FIRST_HOUR = 3600.0
KEEP_LINES = 500


@dataclass(frozen=True, slots=True)
class DnsDrift:
    """How many DNS records are as planned, and the names of the others."""

    fine: int = 0
    wrong: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unknown: int = 0

    @property
    def alerts(self) -> list[Alert]:
        """What is wrong in the DNS."""
        return drift(self.wrong, self.missing)

    @property
    def line(self) -> str:
        """The whole in one line."""
        wrong = len(self.wrong) + len(self.missing)
        words = f"{counted(self.fine, 'record')} as planned, {wrong} not as planned"
        return f"{words}, {self.unknown} without an answer" if self.unknown else words


class Watcher:
    """Looks at the servers of a plan; it remembers where each mail log was left, and what the last checks said.

    ``records_changed`` is set when the accounts have other domains than before: the DNS is then compared anew.
    """

    def __init__(self, engine: EngineApi, *, resolver: str | None = None) -> None:
        self._engine = engine
        self._resolver = resolver or engine.inventory.resolver or None
        self._blueprints = engine.blueprints()
        self._places: dict[str, str] = {}
        self._results: dict[str, tuple[CheckResult, ...]] = {}
        self._store = account_store_id(engine.plan)
        self.records_changed = asyncio.Event()

    @property
    def account_store(self) -> str:
        """The server with the accounts, as it was seen last."""
        return self._store

    async def look(self, server_id: str) -> Health:
        """How a server is now, with the checks last made. Raises as the connection does: SshError, AgentError."""
        plan, link = self._engine.plan, await self._engine.link(server_id)
        blueprint = await as_placed(self._blueprints[server_id], link)
        if blueprint.volume:
            self._store = server_id
        place = self._places.get(server_id, "")
        units, peers = running_units(blueprint), self._peers(server_id)
        in_cluster = clustered(plan)
        found = await link.ask(LookAround(units, place, FIRST_HOUR, KEEP_LINES, peers, cluster=in_cluster))
        sample = Sample.model_validate(to_json(found))
        if sample.log is not None:
            self._places[server_id] = sample.log.place
        results = self._results.get(server_id, ())
        drifted = AccountDrift()
        if server_id == self.account_store:
            if self._engine.learn_account_domains(sample.account_domains):
                self.records_changed.set()
            drifted = compared(plan, sample.account_domains)
            results = (*results, account_domains.judge(plan, server_id, sample.account_domains))
        sample = sample.model_copy(update={"plan_drift": drifted})
        ports = tuple((p.protocol, p.number) for p in blueprint.ports)
        return Health(server_id, time.time(), sample, results, ports, in_cluster)

    async def check(self, server_id: str) -> bool:
        """Have a server's daemons checked; whether all passed. Raises as ``look`` does.

        It takes seconds where a look takes a moment, so the results are kept for the looks that follow.
        """
        link = await self._engine.link(server_id)
        results = await server_checks.run(await as_placed(self._blueprints[server_id], link), link)
        self._results[server_id] = tuple(results)
        return all(result.state is CheckState.PASSED for result in results)

    def _peers(self, server_id: str) -> dict[str, str]:
        """The public keys of the other servers on the private link; none if the plan uses an existing network."""
        plan, known = self._engine.plan, self._engine.known
        if not linked(plan) or plan.network.private is not PrivateNetwork.WIREGUARD:
            return {}
        records = {s.id: known.servers.get(s.id) for s in plan.servers if s.id != server_id}
        return {name: record.wireguard for name, record in records.items() if record and record.wireguard}

    async def drift(self) -> DnsDrift:
        """Compare the plan's records with the live DNS, asked from here."""
        self.records_changed.clear()
        records = plan_records(self._engine.plan, self._engine.known, self._engine.inventory)
        states = await compare(records, self._resolver)
        return DnsDrift(
            fine=sum(s.fine for s in states),
            wrong=_names(s for s in states if s.state is State.WRONG),
            missing=_names(s for s in states if s.state is State.MISSING and s.record.required),
            unknown=sum(s.state is State.UNKNOWN for s in states),
        )


def running_units(blueprint: Blueprint) -> tuple[str, ...]:
    """The units that should run."""
    return tuple(unit.name for unit in blueprint.units() if unit.running and not unit.masked)


def _names(states: Iterable[RecordState]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{s.record.name} {s.record.type}" for s in states))
