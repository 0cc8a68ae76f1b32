"""The engine: installs a plan on its servers; screens and command line only listen.

Servers are installed in parallel, and one that fails does not stop the others. Progress comes as events
(``events.py``) and outcomes (``outcome.py``); exceptions are ``PlanError``, ``EngineError``, ``SshError`` and
``AgentError``, each saying what, where and what to do.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from pathlib import Path

from mailwiz_tui.agent.protocol.runs import RunStatus
from mailwiz_tui.deploy import network, removed_servers, rolling
from mailwiz_tui.deploy.agent_link import AgentLink
from mailwiz_tui.deploy.batches import Order
from mailwiz_tui.deploy.certificates import acme_authority, custom_certificate
from mailwiz_tui.deploy.diff import ServerDiff
from mailwiz_tui.deploy.events import Event, ServerChanged, Subscriber
from mailwiz_tui.deploy.follower import GIVE_UP_AFTER
from mailwiz_tui.deploy.gather import gather_servers, unwrap
from mailwiz_tui.deploy.history import History
from mailwiz_tui.deploy.installing import Installing
from mailwiz_tui.deploy.outcome import ServerOutcome, outcome_at_rest, outcome_of
from mailwiz_tui.deploy.pool import Connect, Pool
from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.deploy.work import Compile, EngineError, Work
from mailwiz_tui.fleet.account_domains import learn
from mailwiz_tui.fleet.facts import Facts, FactsFile, ServerRecord
from mailwiz_tui.fleet.facts_store import load_facts, save_facts
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.plan.findings import PlanError
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.support import unsupported
from mailwiz_tui.stack.blueprint import Blueprint
from mailwiz_tui.topology.servers import account_store_id


class Engine:
    """One plan on its servers.

    ``adopt`` allows replacing mail software that another party configured, everywhere or on the servers named.
    ``compile_blueprint``, ``connect`` and ``root`` exist for rehearsals: another source of blueprints, another way
    to reach a server, another root.
    """

    def __init__(
        self,
        plan: Plan,
        inventory: Inventory,
        *,
        prompts: Prompts,
        facts_path: Path | None = None,
        adopt: bool | Collection[str] = False,
        connect: Connect | None = None,
        root: str = "/",
        compile_blueprint: Compile | None = None,
        history: History | None = None,
        gate_seconds: float = 60.0,
        give_up_after: float = GIVE_UP_AFTER,
        settle_seconds: float = 1.0,
    ) -> None:
        self.plan = plan
        self.inventory = inventory
        self._prompts = prompts
        self.pool = Pool(prompts, connect=connect, root=root)
        self.known = load_facts(facts_path) if facts_path and facts_path.exists() else FactsFile()
        self.history = history or History()
        self._facts_path = facts_path
        self._compile = compile_blueprint or _compile
        self._subscribers: list[Subscriber] = []
        self._work = Work(
            plan, self.pool, self.known, self._emit, self.history, self._compile, adopt,
            gate_seconds, give_up_after, settle_seconds,
        )  # fmt: skip
        self._installing = Installing(
            plan, self.known, self._work, self._compile, prompts, self.server, self._save, self._tell
        )

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Calls ``callback`` with every event until the returned function is called."""
        self._subscribers.append(callback)
        return lambda: self._subscribers.remove(callback) if callback in self._subscribers else None

    @property
    def server_ids(self) -> tuple[str, ...]:
        """The plan's servers."""
        return tuple(server.id for server in self.plan.servers)

    def server(self, server_id: str) -> Server:
        """A server of the plan from the inventory. Raises EngineError if it is missing."""
        found = self.inventory.get(server_id)
        if found is None:
            where = str(self.inventory.source or "inventory")
            advice = "add it there, or choose another server in the plan"
            raise EngineError(f"the inventory has no server {server_id!r}", where, advice)
        return found

    async def link(self, server_id: str) -> AgentLink:
        """The open link to a server of the plan."""
        return await self._work.link(self.server(server_id))

    async def probe(self, server: Server) -> Facts:
        """The facts of any server, read now."""
        return await self._work.probe(server)

    async def prepare(self) -> FactsFile:
        """Asks every server for its facts and makes missing keys there; saved beside the plan.

        Raises the first server's error if one fails; the answers of the others are stored.
        """
        self._refuse_unsupported()
        self._read_certificates()
        results = await gather_servers(
            self.server_ids, lambda server_id: self._work.prepare(self.server(server_id))
        )
        self._save()
        for result in results.values():
            unwrap(result)
        return self.known

    def learn_account_domains(self, domains: Collection[str] | None) -> bool:
        """Store the mailbox domains of the accounts beside the plan; returns whether they changed.

        None changes nothing.
        """
        changed = learn(self.known, account_store_id(self.plan), domains)
        if changed:
            self._save()
        return changed

    async def survey(self) -> list[network.PairReport]:
        """How the servers reach each other now, pair by pair; servers that do not answer are missing."""
        seen = FactsFile(servers=dict(self.known.servers))

        async def look(server_id: str) -> tuple[str, AgentLink]:
            facts = await self._work.probe(self.server(server_id))
            record = seen.servers.get(server_id) or ServerRecord()
            seen.servers[server_id] = record.model_copy(update={"facts": facts})
            return server_id, await self.link(server_id)

        found = (await gather_servers(self.server_ids, look)).values()
        return await network.survey(self.plan, seen, dict(r for r in found if not isinstance(r, BaseException)))

    def blueprints(self) -> dict[str, Blueprint]:
        """The blueprint of each server, from what is known now."""
        return {server_id: self._compile(self.plan, server_id, self.known) for server_id in self.server_ids}

    async def diff(self) -> dict[str, ServerDiff]:
        """What ``apply`` would change on each server; creates missing keys, and nothing else."""
        await self.prepare()
        blueprints = self.blueprints()
        results = await gather_servers(self.server_ids, lambda i: self._work.diff(self.server(i), blueprints[i]))
        return {server_id: unwrap(result) for server_id, result in results.items()}

    async def apply(
        self,
        only: Collection[str] = (),
        skip: Mapping[str, Collection[str]] | None = None,
        order: Order | None = None,
    ) -> dict[str, ServerOutcome]:
        """Installs on all servers, or finishes and follows what already runs.

        ``only`` names the servers to work on (none: all), so that one that failed is tried again while others
        are still at work. ``skip`` names, by server, the optional steps to be left out this time. ``order`` divides
        the servers into batches; all are prepared before the first one, as each must know the others.
        A server's outcome, success or failure, is an event as soon as it ended. Servers that succeeded earlier are
        updated if the others' answers change them. Raises PlanError for what cannot be installed yet and
        EngineError for a server that the inventory lacks, both before anything is connected.
        """
        self._refuse_unsupported()
        self._read_certificates()
        wanted = tuple(i for i in self.server_ids if not only or i in only)
        for server_id in wanted:
            self.server(server_id)
        await removed_servers.refuse_waiting_mail(self.plan, self.known, self.inventory, self._work.link)
        outcomes = await self._installing.on(wanted, skip or {}, order or await rolling.order(self))
        self.history.save()
        return outcomes

    def tell_removed_servers(self) -> list[str]:
        """What happens to servers that were removed from the plan; each is reported once."""
        words = removed_servers.words(self.plan, self.known)
        removed_servers.mark_told(self.plan, self.known)
        self._save()
        return words

    async def attach(self) -> dict[str, ServerOutcome]:
        """Follows the runs in progress to their end, on the servers that have one.

        Meanwhile the outcome of the latest run on the others is an event.
        """
        told = await gather_servers(self.server_ids, lambda server_id: self._work.status(self.server(server_id)))
        if any(not isinstance(status, BaseException) and status.state == "active" for status in told.values()):
            self._tell_at_rest(told)

        async def follow(server_id: str) -> ServerOutcome | None:
            try:
                status = unwrap(told[server_id])
                if status.state != "active":
                    return None
                outcome = await self._work.follow_active(self.server(server_id), status)
            except Exception as error:
                outcome = outcome_of(server_id, error)
            if outcome:
                self._tell(outcome)
            return outcome

        ended = (await gather_servers(self.server_ids, follow)).values()
        return {end.server_id: end for end in ended if isinstance(end, ServerOutcome)}

    async def stop_after_step(self) -> list[str]:
        """Asks every run in progress to stop after its present step; returns the servers that were asked."""
        asked = await gather_servers(
            self.server_ids, lambda server_id: self._work.stop_after_step(self.server(server_id))
        )
        return [server_id for server_id, answer in asked.items() if answer is True]

    async def close(self) -> None:
        """Closes all connections; runs on servers continue."""
        await self.pool.close()

    def _tell_at_rest(self, told: Mapping[str, RunStatus | BaseException]) -> None:
        """How the latest run ended, of each server on which none is in progress."""
        for server_id, status in told.items():
            if isinstance(status, BaseException) or status.state == "active":
                continue
            if outcome := outcome_at_rest(server_id, status):
                self._tell(outcome)

    def _tell(self, outcome: ServerOutcome) -> None:
        """A server came to its end."""
        told = (outcome.server_id, outcome.state, outcome.reason, outcome.advice)
        self._emit(ServerChanged(*told, at=time.time()))

    def _refuse_unsupported(self) -> None:
        if findings := unsupported(self.plan):
            raise PlanError(findings)

    def _read_certificates(self) -> None:
        """Reads the files that the plan names. Raises PlanError for a certificate that cannot be served."""
        base = self._facts_path.parent if self._facts_path else Path()
        self._work.custom = custom_certificate(self.plan, base)
        self.known.custom = self._work.custom.public if self._work.custom else None
        self.known.acme_ca = acme_authority(self.plan, base)

    def _save(self) -> None:
        if self._facts_path:
            save_facts(self._facts_path, self.known)

    def _emit(self, event: Event) -> None:
        for subscriber in tuple(self._subscribers):
            subscriber(event)


def _compile(plan: Plan, server_id: str, known: FactsFile) -> Blueprint:
    from mailwiz_tui.stack.compile import compile_server

    return compile_server(plan, server_id, known)
