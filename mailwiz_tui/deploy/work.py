"""The work on one server: reading facts, making keys, comparing, installing, attaching."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from mailwiz_tui.agent.protocol.codec import Json, Secret, to_json
from mailwiz_tui.agent.protocol.facts import AskFacts
from mailwiz_tui.agent.protocol.keys import InstallCertificate
from mailwiz_tui.agent.protocol.probes import ProbeCommand, RunProbes
from mailwiz_tui.agent.protocol.runs import (
    AskRunStatus,
    CompareBlueprint,
    RunOptions,
    RunStarted,
    RunStatus,
    StartRun,
    StopAfterStep,
)
from mailwiz_tui.deploy import preflight
from mailwiz_tui.deploy.agent_link import AgentError, AgentLink
from mailwiz_tui.deploy.certificates import CustomCertificate
from mailwiz_tui.deploy.diff import ServerDiff
from mailwiz_tui.deploy.events import Event, ServerChanged, ServerPhase
from mailwiz_tui.deploy.follower import Follower, waits
from mailwiz_tui.deploy.history import History
from mailwiz_tui.deploy.operator import Operator, RunInProgress, this_operator
from mailwiz_tui.deploy.outcome import ServerOutcome
from mailwiz_tui.deploy.pool import Pool
from mailwiz_tui.deploy.sanitize import clean_text
from mailwiz_tui.deploy.server_keys import keys_wanted, strangers
from mailwiz_tui.fleet.facts import DkimPublicKey, Facts, FactsFile, ServerRecord, TlsPublic
from mailwiz_tui.fleet.server import Server
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.blueprint import Blueprint

Compile = Callable[[Plan, str, FactsFile], Blueprint]


class EngineError(OperatorError):
    """An error that the operator must correct before the engine can continue."""


class _NoAnswerError(Exception):
    """A server did not answer the request to start, and could not be reached again for a long time."""


@dataclass
class Work:
    """The work on the servers of a plan; each method concerns one server."""

    plan: Plan
    pool: Pool
    known: FactsFile
    emit: Callable[[Event], None]
    history: History
    compile: Compile
    adopt: bool | Collection[str]
    gate_seconds: float
    give_up_after: float
    settle_seconds: float = 1.0
    operator: Operator = field(default_factory=this_operator)
    custom: CustomCertificate | None = None

    async def link(self, server: Server) -> AgentLink:
        """The open link to a server."""
        return await self.pool.link(
            server, lambda line: self.say(server, ServerPhase.CONNECTING, f"installing python3: {line}")
        )

    async def probe(self, server: Server) -> Facts:
        """The facts, read now; addresses in the inventory take precedence over those found."""
        link = await self.link(server)
        asked = time.time()
        facts = await facts_of(link)
        answered = time.time()
        early, late = facts.clock - answered, facts.clock - asked
        skew = early if early > 0 else late if late < 0 else 0.0
        chosen: dict[str, float | str] = {"clock_skew": round(skew, 1)}
        if server.public_ipv4:
            chosen["public_ipv4"] = server.public_ipv4
        if server.public_ipv6:
            chosen["public_ipv6"] = server.public_ipv6
        return facts.model_copy(update=chosen)

    async def prepare(self, server: Server) -> ServerRecord:
        """Facts, and the public halves of keys that are made there if they are missing; kept in ``known``."""
        facts = await self.probe(server)
        if refusal := preflight.unsupported_system(facts):
            raise EngineError(refusal.reason, server.id, refusal.advice)
        link = await self.link(server)
        made = await link.ask(keys_wanted(self.plan, server.id))
        mesh = made.mesh
        clients = {name: TlsPublic.model_validate(to_json(c)) for name, c in mesh.clients.items()} if mesh else {}
        record = ServerRecord(
            facts=facts,
            dkim=tuple(DkimPublicKey.model_validate(to_json(key)) for key in made.dkim),
            tls=TlsPublic.model_validate(to_json(made.tls)) if made.tls else self.known.custom,
            internal=TlsPublic.model_validate(to_json(mesh.internal)) if mesh else None,
            wireguard=mesh.wireguard if mesh else "",
            clients=clients,
            path_mtu=known.path_mtu if (known := self.known.servers.get(server.id)) else 0,
        )
        self.known.servers[server.id] = record
        return record

    async def diff(self, server: Server, blueprint: Blueprint) -> ServerDiff:
        """What a blueprint would change on the server."""
        link = await self.link(server)
        return ServerDiff.of(server.id, await link.ask(CompareBlueprint(blueprint.for_agent())))

    async def status(self, server: Server) -> RunStatus:
        """The latest run there and how it stands."""
        return await (await self.link(server)).ask(AskRunStatus())

    async def follow_active(self, server: Server, status: RunStatus) -> ServerOutcome | None:
        """Follows the run of ``status`` to its end; None if none is in progress."""
        if status.state == "active":
            return await self._attach(server, RunInProgress.of(status.run))
        if status.state == "interrupted":
            detail = "an earlier run was interrupted; this one completes it"
            self.say(server, ServerPhase.CONNECTING, detail)
        return None

    async def stop_after_step(self, server: Server) -> bool:
        """Asks the run in progress to stop after the present step; False if none runs."""
        link = await self.link(server)
        status = await self.status(server)
        if status.state != "active":
            return False
        return (await link.ask(StopAfterStep(status.run.run))).asked

    async def unchanged(
        self, server: Server, blueprint: Blueprint, attached: ServerOutcome | None
    ) -> ServerOutcome | None:
        """The outcome of a prepared server that already matches its blueprint; None if something differs.

        ``attached`` is a run that was followed before. Raises EngineError if the preflight refuses the server.
        """
        begun = time.monotonic()
        self._require_peer_keys(server)
        facts = self.known.facts(server.id) or Facts()
        if refused := preflight.refusals(facts, blueprint, adopt=self._may_adopt(server.id)):
            reasons = "; ".join(refusal.reason for refusal in refused)
            raise EngineError(reasons, server.id, preflight.advice(refused))
        await self._try_out(server, blueprint)
        if not (await self.diff(server, blueprint)).empty:
            return None
        if attached and attached.changed:
            return attached
        return ServerOutcome(server.id, ServerPhase.UNCHANGED, seconds=time.monotonic() - begun)

    async def install(
        self,
        server: Server,
        blueprint: Blueprint,
        attached: ServerOutcome | None,
        skip: Collection[str] = (),
    ) -> ServerOutcome:
        """Installs the blueprint on the prepared server; ``attached`` is a run that was followed before.

        ``skip`` are ids of optional steps to skip this time.
        """
        begun = time.monotonic()
        if ended := await self.unchanged(server, blueprint, attached):
            return ended
        run_id = _new_run_id()
        self.say(server, ServerPhase.INSTALLING)
        await self._send_certificate(server)
        try:
            answer = await self._start(server, run_id, blueprint, skip)
        except _NoAnswerError as error:
            advice = "if it started, the installation continues on the server: run apply again to follow it"
            seconds = time.monotonic() - begun
            return ServerOutcome(
                server.id, ServerPhase.LOST, reason=clean_text(error), advice=advice, seconds=seconds
            )
        if answer.run.run != run_id:
            return await self._attach(server, RunInProgress.of(answer.run))
        return await self._follower(server, run_id, ServerPhase.INSTALLING).follow()

    def _may_adopt(self, server_id: str) -> bool:
        return self.adopt if isinstance(self.adopt, bool) else server_id in self.adopt

    async def _try_out(self, server: Server, blueprint: Blueprint) -> None:
        """Runs the preflight probes. Raises EngineError if one fails."""
        if not blueprint.preflight:
            return
        link = await self.link(server)
        probes = tuple(ProbeCommand(probe.id, probe.argv) for probe in blueprint.preflight)
        answers = {answer.id: answer for answer in await link.ask(RunProbes(probes))}
        failed = [probe for probe in blueprint.preflight if answers[probe.id].exit != probe.exit_code]
        if failed:
            reason = "; ".join(preflight.not_shown(probe, answers[probe.id].output) for probe in failed)
            raise EngineError(reason, server.id, failed[0].advice)

    def say(self, server: Server, phase: ServerPhase, detail: str = "") -> None:
        """Emits that a server entered a phase."""
        self.emit(ServerChanged(server.id, phase, detail, at=time.time()))

    async def _send_certificate(self, server: Server) -> None:
        """Sends the operator's own certificate and its key to a server, over the connection only."""
        if self.custom is None:
            return
        link = await self.link(server)
        await link.ask(InstallCertificate(self.custom.chain, Secret(self.custom.key.get_secret_value())))

    async def _start(self, server: Server, run_id: str, blueprint: Blueprint, skip: Collection[str]) -> RunStarted:
        options = RunOptions(
            self.operator.by, self.operator.controller, self.gate_seconds, tuple(sorted(skip)), self.settle_seconds
        )
        request = StartRun(run_id, blueprint.for_agent(), options)
        pauses, asked_at, lost = waits(), 0.0, False
        while True:
            try:
                link = await self.link(server)
                if lost:
                    self.say(server, ServerPhase.INSTALLING, "connected again")
                    lost = False
                asked_at = asked_at or time.monotonic()
                return await link.ask(request)
            except AgentError:
                raise
            except Exception as error:
                # Whether the run began is unknown; asking again with the same id cannot start it twice.
                if not asked_at or not getattr(error, "transient", False):
                    raise
                if time.monotonic() - asked_at > self.give_up_after:
                    raise _NoAnswerError(str(error)) from None
                lost = True
                self.say(server, ServerPhase.RECONNECTING, clean_text(error))
                await self.pool.drop(server)
                await asyncio.sleep(next(pauses))

    async def _attach(self, server: Server, run: RunInProgress) -> ServerOutcome:
        own = self.operator.owns(run)
        self.emit(
            ServerChanged(
                server.id,
                ServerPhase.ATTACHED,
                run.words(own=own),
                at=time.time(),
                elapsed=run.age,
                own=own,
            )
        )
        return await self._follower(server, run.run_id, ServerPhase.ATTACHED).follow()

    def _follower(self, server: Server, run_id: str, phase: ServerPhase) -> Follower:
        return Follower(self.pool, server, run_id, self.emit, phase, self.history.record, self.give_up_after)

    def _require_peer_keys(self, server: Server) -> None:
        """Raises EngineError if a server of the plan was never prepared: this one could not let it in."""
        if others := strangers(self.plan, self.known, server.id):
            named = " and ".join(others)
            raise EngineError(
                f"{server.id} needs the public keys of {named}, which are not known yet",
                server.id,
                f"start {named}, or remove it from the plan; nothing was changed on {server.id}",
            )


def _new_run_id() -> str:
    """Ids sort by creation time, to the microsecond: the last one is the latest run."""
    now = time.time_ns()
    return time.strftime("%Y%m%dT%H%M%S", time.gmtime(now // 10**9)) + f"-{now // 1000 % 1_000_000:06d}"


async def facts_of(link: AgentLink) -> Facts:
    """The facts of a server, asked now, with every text cleaned."""
    return Facts.model_validate(_cleaned(to_json(await link.ask(AskFacts()))))


def _cleaned(value: Json) -> Json:
    """Every string of an answer, cleaned."""
    if isinstance(value, str):
        return clean_text(value)
    if isinstance(value, list):
        return [_cleaned(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): _cleaned(entry) for key, entry in value.items()}
    return value
