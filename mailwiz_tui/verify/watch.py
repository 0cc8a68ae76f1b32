"""Watching running servers: one round trip per look, going on in the mail log where the last look ended."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.dns.live import RecordState, compare
from mailwiz_tui.dns.match import State
from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.fleet.account_domains import AccountDrift, compared
from mailwiz_tui.plan.model import PrivateNetwork
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.topology.servers import account_store_id, linked
from mailwiz_tui.verify.sample import Sample

FIRST_HOUR = 3600.0
KEEP_LINES = 500


@dataclass(frozen=True, slots=True)
class DnsDrift:
    """How many records are as planned, and the names of those that are not."""

    fine: int = 0
    wrong: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    unknown: int = 0


class Watcher:
    """Looks at the servers of a plan; it remembers where each one's mail log was left."""

    def __init__(self, engine: EngineApi, *, resolver: str | None = None) -> None:
        self._engine = engine
        self._resolver = resolver or engine.inventory.resolver or None
        self._blueprints = engine.blueprints()
        self._places: dict[str, str] = {}

    def ports(self, server_id: str) -> tuple[tuple[str, int], ...]:
        """The ``(protocol, port)`` that the plan wants listened on."""
        return tuple((p.protocol, p.number) for p in self._blueprints[server_id].ports)

    async def look(self, server_id: str) -> Sample:
        """How a server is now. Raises what the connection raises: SshError, AgentError."""
        units = running_units(self._blueprints[server_id])
        link = await self._engine.link(server_id)
        place = self._places.get(server_id, "")
        answer = await link.request("monitor", units=units, place=place, since=FIRST_HOUR, keep=KEEP_LINES,
                                    peers=self._peers(server_id))  # fmt: skip
        sample = Sample.model_validate(answer)
        if sample.log is not None:
            self._places[server_id] = sample.log.place
        if server_id != account_store_id(self._engine.plan):
            return sample.model_copy(update={"plan_drift": AccountDrift()})
        self._engine.learn_account_domains(sample.account_domains)
        return sample.model_copy(update={"plan_drift": compared(self._engine.plan, sample.account_domains)})

    def _peers(self, server_id: str) -> dict[str, str]:
        """The public keys of the other servers on the private link; none where the network is there without us."""
        plan, known = self._engine.plan, self._engine.known
        if not linked(plan) or plan.network.private is not PrivateNetwork.WIREGUARD:
            return {}
        records = {s.id: known.servers.get(s.id) for s in plan.servers if s.id != server_id}
        return {name: record.wireguard for name, record in records.items() if record and record.wireguard}

    async def drift(self) -> DnsDrift:
        """Compare the plan's records with the live DNS, asked from here."""
        records = plan_records(self._engine.plan, self._engine.known, self._engine.inventory)
        states = await compare(records, self._resolver)
        return DnsDrift(
            fine=sum(s.fine for s in states),
            wrong=_names(s for s in states if s.state is State.WRONG),
            missing=_names(s for s in states if s.state is State.MISSING and s.record.required),
            unknown=sum(s.state is State.UNKNOWN for s in states),
        )


def running_units(blueprint: Blueprint) -> list[str]:
    """The units that shall run."""
    return [unit.name for unit in blueprint.units() if unit.running and not unit.masked]


def _names(states: Iterable[RecordState]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(f"{s.record.name} {s.record.type}" for s in states))
