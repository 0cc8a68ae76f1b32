"""An installation on several servers, prepared together because each needs the others' keys.

A server that already matches its blueprint is reported before the others are ready. If the answers of the others
change its blueprint afterwards, it is installed after all.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from mailwiz_tui.deploy import given_secrets, network
from mailwiz_tui.deploy.batches import Order
from mailwiz_tui.deploy.events import ServerPhase
from mailwiz_tui.deploy.gather import gather_servers
from mailwiz_tui.deploy.outcome import ServerOutcome, outcome_of
from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.deploy.work import Compile, EngineError, Work
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.fleet.server import Server
from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.topology.servers import linked

WAITS, COMPARES = "prepared; waiting for the other servers", "comparing with the plan"


@dataclass(frozen=True, slots=True)
class _Ready:
    """A prepared server: the run that was followed before, and its outcome if already known."""

    attached: ServerOutcome | None = None
    ended: ServerOutcome | None = None
    blueprint: Blueprint | None = None


@dataclass
class Installing:
    """The installations of one engine. ``tell`` receives each server's outcome.

    ``done`` is the blueprint that each server got, so that one whose blueprint changes afterwards is found.
    """

    plan: Plan
    known: FactsFile
    work: Work
    compile: Compile
    prompts: Prompts
    find: Callable[[str], Server]
    save: Callable[[], None]
    tell: Callable[[ServerOutcome], None]
    done: dict[str, Blueprint] = field(default_factory=dict)

    async def on(
        self, wanted: Sequence[str], skip: Mapping[str, Collection[str]], order: Order
    ) -> dict[str, ServerOutcome]:
        """Installs on the servers named, or finishes and follows what already runs there; in the order given.

        Servers that succeeded earlier are updated if these answers change them.
        """
        outcomes = await self._once(wanted, skip, order)
        outdated = [i for i, carried_out in self.done.items() if i not in wanted and self._now(i) != carried_out]
        return {**outcomes, **(await self._once(outdated, skip, order) if outdated else {})}

    async def _once(
        self, wanted: Sequence[str], skip: Mapping[str, Collection[str]], order: Order
    ) -> dict[str, ServerOutcome]:
        unready, waited = set(wanted), set[str]()

        async def ready(server_id: str) -> _Ready:
            try:
                found = await self._ready(server_id, alone=len(wanted) == 1)
            except Exception as error:
                self.tell(outcome_of(server_id, error))
                raise
            finally:
                unready.discard(server_id)
            if found.ended is None and unready:
                waited.add(server_id)
                self.work.say(self.find(server_id), ServerPhase.WAITING, WAITS)
            return found

        prepared = await gather_servers(wanted, ready)
        able = {i: found for i, found in prepared.items() if isinstance(found, _Ready)}
        cut_off = await self._look_at_network({i: found for i, found in able.items() if not _is_lost(found)})
        self.save()

        async def finish(server_id: str) -> ServerOutcome:
            found = prepared[server_id]
            if not isinstance(found, _Ready):
                return outcome_of(server_id, found)
            if server_id in waited:
                self.work.say(self.find(server_id), ServerPhase.PREPARING, COMPARES)
            return await self._finish(server_id, found, cut_off.get(server_id), skip.get(server_id, ()), order)

        ended = await order.carry_out(wanted, finish, self.tell)
        return {i: end if isinstance(end, ServerOutcome) else outcome_of(i, end) for i, end in ended.items()}

    async def _ready(self, server_id: str, *, alone: bool) -> _Ready:
        """Follows a run in progress, then reads facts and creates keys; ``alone`` if it waits for no other."""
        server = self.find(server_id)
        self.work.say(server, ServerPhase.CONNECTING)
        status = await self.work.status(server)
        attached = await self.work.follow_active(server, status)
        if attached and attached.state is ServerPhase.LOST:
            self.tell(attached)
            return _Ready(attached, attached)
        self.work.say(server, ServerPhase.PREPARING)
        await self.work.prepare(server)
        if alone or not (attached.good if attached else status.state == "done"):
            return _Ready(attached)
        return await self._as_planned(server, attached) or _Ready(attached)

    async def _as_planned(self, server: Server, attached: ServerOutcome | None) -> _Ready | None:
        """The server as finished, if it matches its blueprint by what is known now. An obstacle is
        reported later, when the server is installed.
        """
        try:
            blueprint = self._now(server.id)
            link = await self.work.link(server)
            if any(secret.missing for secret in await given_secrets.look(link, blueprint)):
                return None
            ended = await self.work.unchanged(server, blueprint, attached)
        except Exception:
            return None
        if ended is None:
            return None
        self.tell(ended)
        return _Ready(attached, ended, blueprint)

    async def _finish(
        self, server_id: str, ready: _Ready, cut_off: Finding | None, skip: Collection[str], order: Order
    ) -> ServerOutcome:
        if _is_lost(ready) and ready.ended:
            return ready.ended
        try:
            if cut_off:
                raise EngineError(cut_off.message, server_id, cut_off.advice)
            blueprint = self._now(server_id)
            if ready.ended and blueprint == ready.blueprint:
                self.done[server_id] = blueprint
                return ready.ended
            server = self.find(server_id)
            if given_secrets.wanted(blueprint):
                link = await self.work.link(server)
                await given_secrets.ask_for_missing(link, blueprint, self.prompts)
            if order.before:
                await order.before(server_id)
            outcome = await self.work.install(server, blueprint, ready.attached, skip)
            if outcome.good:
                self.done[server_id] = blueprint
        except Exception as error:
            outcome = outcome_of(server_id, error)
        self.tell(outcome)
        return outcome

    async def _look_at_network(self, wanted: Mapping[str, _Ready]) -> dict[str, Finding]:
        """Tests the paths between servers; emits warnings, returns the servers that cannot be linked, and why."""
        if not linked(self.plan):
            return {}
        links = {i: await self.work.link(self.find(i)) for i in wanted}
        reports = await network.survey(self.plan, self.known, links)
        for server_id, size in network.path_sizes(reports).items():
            self.known.servers[server_id].path_mtu = size
        for report in reports:
            finding = report.finding
            if finding and finding.severity is Severity.WARNING:
                detail = f"{finding.message} ({finding.advice})"
                self.work.say(self.find(report.first), ServerPhase.PREPARING, detail)
                if ended := wanted[report.first].ended:
                    self.tell(ended)
        return network.blocked(reports)

    def _now(self, server_id: str) -> Blueprint:
        return self.compile(self.plan, server_id, self.known)


def _is_lost(ready: _Ready) -> bool:
    return ready.ended is not None and ready.ended.state is ServerPhase.LOST
