"""What the screens share: the draft, the inventory, what is known of servers, and the running installation."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mailwiz_tui.dns.record import Record
from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.fleet.facts import Facts, FactsFile, ServerRecord
from mailwiz_tui.fleet.facts_store import facts_path_for, load_facts, save_facts
from mailwiz_tui.fleet.inventory import InventoryError, find_inventory, load_inventory, save_server
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.install.history import History
from mailwiz_tui.install.prompts import Prompts
from mailwiz_tui.plan.draft import Draft
from mailwiz_tui.plan.findings import Finding, PlanError
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.steps import field_at, step, step_of
from mailwiz_tui.ui.backends import error_sentence, real_engine, real_probe, real_verify, real_watcher
from mailwiz_tui.ui.installation import Installation, Stage
from mailwiz_tui.ui.monitoring import Monitoring
from mailwiz_tui.ui.paths import default_draft_path, load_recent, remember
from mailwiz_tui.ui.ports import EngineFactory, EngineLike, Prober, Verifier, WatcherFactory
from mailwiz_tui.ui.probing import ProbeOutcome, probe_failure, summary, unfit
from mailwiz_tui.ui.published import PLANNED, RECORD_MARKS, Comparer, Published, as_published, real_compare
from mailwiz_tui.ui.run_model import RunModel


@dataclass(frozen=True, slots=True)
class Backends:
    """Where engine, verification and probes come from; tests bring their own."""

    engine: EngineFactory = real_engine
    verify: Verifier = real_verify
    probe: Prober = real_probe
    compare: Comparer = real_compare
    watcher: WatcherFactory = real_watcher


class Session:
    """One plan being worked on. ``on_change`` is called when something other than an answer changed."""

    def __init__(
        self,
        plan_path: Path | None,
        inventory_path: Path | None,
        backends: Backends,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.backends = backends
        self.clock = clock
        self.on_change: Callable[[], None] = lambda: None
        self.explicit_inventory = inventory_path
        self.inventory = Inventory()
        self.inventory_findings: list[Finding] = []
        self.probes: dict[str, ProbeOutcome] = {}
        self.installation: Installation | None = None
        self.monitoring: Monitoring | None = None
        self.touched: set[str] = set()
        self.adopted: set[str] = set()
        self._published: dict[Record, Published] = {}
        self.resolver = ""
        self.saved_at: float | None = None
        self.save_error = ""
        self.now = time.time
        self._tasks: set[asyncio.Task[None]] = set()
        self._known = FactsFile()
        self.open(plan_path or default_draft_path())

    def open(self, path: Path) -> None:
        """Work on the plan at ``path``; raises PlanError where the file is no plan."""
        self.path = path
        self.draft = Draft.open(path)
        self.touched = set()
        self.adopted = set()
        if self.explicit_inventory is None:
            self.explicit_inventory = next(
                (r.inventory for r in load_recent() if r.plan == path and r.inventory), None
            )
        self.load_inventory()
        self.load_known()
        self.saved_at = None

    @property
    def known(self) -> FactsFile:
        """What the servers told; the answers are compared with it."""
        return self._known

    @known.setter
    def known(self, known: FactsFile) -> None:
        self._known = known
        self.draft.known = known

    def load_known(self) -> None:
        """Read what is known of servers from beside the plan; nothing there is no fault."""
        try:
            self.known = load_facts(facts_path_for(self.path))
        except (OSError, ValueError, PlanError):
            self.known = FactsFile()

    def load_inventory(self) -> None:
        """Read the inventory anew; what is wrong with it is kept for the screens."""
        self.inventory, self.inventory_findings = Inventory(), []
        self.draft.inventory_ids = None
        source = find_inventory(self.path, self.explicit_inventory)
        if source is None:
            return
        try:
            self.inventory = load_inventory(source)
        except InventoryError as error:
            self.inventory_findings = list(error.findings)
            return
        self.draft.inventory_ids = [s.id for s in self.inventory.servers]

    def use_inventory(self, path: Path) -> None:
        """Read servers from this file from now on, at the next start too."""
        self.explicit_inventory = path
        self.load_inventory()
        remember(self.path, path)

    def add_server(self, server: Server) -> None:
        """Save a server that was typed in; hosts of another format are carried over so that none is lost."""
        source = self.inventory.source
        target = source if source is not None and source.suffix == ".toml" else self.path.parent / "inventory.toml"
        if target != source:
            for known in self.inventory.servers:
                if known.id in self.chosen_ids():
                    save_server(target, known)
        save_server(target, server)
        self.use_inventory(target)

    def chosen_ids(self) -> list[str]:
        """The ids of the plan's servers."""
        return [str(s.get("id", "")) for s in self.servers()]

    def servers(self) -> list[dict[str, object]]:
        """The plan's servers as the draft holds them."""
        raw = self.value("servers")
        return [dict(s) for s in raw if isinstance(s, dict)] if isinstance(raw, list) else []

    def value(self, path: str) -> object:
        """The answer at a path of the plan, or None."""
        value: object = self.draft.get(path)
        return value

    def set(self, path: str, value: object) -> None:
        """Take an answer; it is in the draft's file when this returns, or ``save_error`` says why not."""
        try:
            self.draft.set(path, value)
        except PlanError as error:
            self.save_error = "; ".join(f.line for f in error.findings)
            return
        self.save_error = ""
        self.saved_at = self.now()

    def finish_step(self, step_id: str) -> None:
        """The operator went through a step: what follows from other answers is taken over where it is missing."""
        try:
            for field in step(step_id).fields:
                if field.required and not self.value(field.path) and field.is_shown(self.value):
                    self.set(field.path, self.draft.suggestion(field.path) or None)
            self.draft.confirm(step_id)
        except PlanError as error:
            self.save_error = "; ".join(f.line for f in error.findings)

    def take_suggestions(self, step_id: str) -> None:
        """Answer the questions of a step that is seen for the first time with what follows from other answers."""
        try:
            self.draft.apply_suggestions(step_id)
        except PlanError as error:
            self.save_error = "; ".join(f.line for f in error.findings)

    def findings(self) -> list[Finding]:
        """Everything to know about the answers so far."""
        return self.draft.findings()

    def barred(self, path: str, value: object) -> str:
        """Why the rules forbid an answer with the others as they are, or empty."""
        return self.draft.barred(path, value)

    def unwise(self, path: str, value: object) -> str:
        """What the servers told that speaks against an answer, or empty."""
        return self.draft.unwise(path, value)

    def plan(self) -> Plan | None:
        """The plan, or None while it has faults."""
        try:
            return self.draft.plan()
        except PlanError:
            return None

    def servers_plan(self) -> Plan | None:
        """What is decided about the servers and the network between them, whether or not the rest is answered."""
        if plan := self.plan():
            return plan
        raw: dict[str, Any] = {key: self.value(key) for key in ("architecture", "servers") if self.value(key)}
        raw["domain"] = {"primary_domain": "example.com", "hostname": "mail.example.com"}
        for table, key in (("network", "private"), ("services", "antispam"), ("services", "antivirus")):
            if (value := self.value(f"{table}.{key}")) is not None:
                raw[table] = {**raw.get(table, {}), key: value}
        try:
            return Plan.model_validate(raw)
        except ValidationError:
            return None

    def records(self) -> tuple[list[Record], str]:
        """The DNS records as far as the answers go, and a note on what they lack."""
        try:
            plan = self.draft.preview()
        except PlanError as error:
            wrong = ", ".join(dict.fromkeys(_label(f.path) for f in error.findings))
            return [], f"The records appear when these are settled: {wrong}."
        return plan_records(plan, self.known, self.inventory), ""

    async def look_up(self) -> str:
        """Ask the DNS about every record; returns a sentence on what came of it."""
        records = self.records()[0]
        states = [as_published(state) for state in await self.backends.compare(records, self.asked_resolver)]
        self._published = dict(zip(records, states, strict=True))
        counts = {word: sum(1 for s in states if s.state == word) for word in RECORD_MARKS}
        return ", ".join(f"{count} {word}" for word, count in counts.items() if count)

    @property
    def asked_resolver(self) -> str | None:
        """Who is asked about the DNS: the one named at the start, the inventory's, else the system's (None)."""
        return self.resolver or self.inventory.resolver or None

    def published(self, record: Record) -> Published:
        """How a record stood when the DNS was last asked; planned where it was not, or has changed since."""
        return self._published.get(record, PLANNED)

    def state_of(self, step_id: str) -> str:
        """How a step stands, as a key of ``symbols.STEP_MARKS``."""
        return str(self.draft.step_state(step_id))

    def probe(self, servers: Sequence[Server], prompts: Prompts) -> None:
        """Ask servers what they are, all at once; outcomes arrive through ``on_change``."""
        for server in servers:
            if self.probes.get(server.id, ProbeOutcome()).state == "asking":
                continue
            self.probes[server.id] = ProbeOutcome("asking", "connecting…")
            task = asyncio.create_task(self._probe(server, prompts), name=f"probe {server.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        self.on_change()

    async def _probe(self, server: Server, prompts: Prompts) -> None:
        try:
            facts = await self.backends.probe(server, prompts)
        except Exception as error:
            self.probes[server.id] = ProbeOutcome(probe_failure(error), error_sentence(error))
        else:
            trouble = unfit(facts)
            self._learn(server, facts)
            self.probes[server.id] = ProbeOutcome("unfit" if trouble else "ok", trouble or summary(facts), facts)
        self.on_change()

    def _learn(self, server: Server, facts: Facts) -> None:
        """Keep what a server told beside the plan; addresses that the inventory names win."""
        named = {k: v for k in ("public_ipv4", "public_ipv6") if (v := getattr(server, k))}
        record = self.known.servers.get(server.id, ServerRecord())
        fresh = record.model_copy(update={"facts": facts.model_copy(update=named)})
        self.known = FactsFile(servers={**self.known.servers, server.id: fresh})
        with contextlib.suppress(PlanError, OSError):
            save_facts(facts_path_for(self.path), self.known)

    def make_engine(self, plan: Plan, prompts: Prompts) -> EngineLike:
        """An engine for the plan as it is now."""
        facts_path = facts_path_for(self.path)
        adopt = frozenset(self.adopted)
        return self.backends.engine(plan, self.inventory, prompts=prompts, facts_path=facts_path, adopt=adopt)

    def foreign_software(self, server_id: str) -> list[str]:
        """Mail software with somebody else's configuration on a server, unless it may be replaced already."""
        facts = self.known.facts(server_id)
        if facts is None or server_id in self.adopted:
            return []
        return [f"{m.name} {m.version}" for m in facts.mail_software if m.owner == "other"]

    def install(self, plan: Plan, prompts: Prompts, on_stage: Callable[[Stage], None]) -> Installation:
        """Start installing; the installation stays here whichever screen is shown."""
        model = RunModel([s.id for s in plan.servers], self.clock, History().span)
        engine = self.make_engine(plan, prompts)
        self.installation = Installation(engine, model, self.backends.verify, on_stage)
        self.installation.start()
        return self.installation

    def watch_installation(self, plan: Plan, prompts: Prompts, on_stage: Callable[[Stage], None]) -> Installation:
        """Follow an installation that another operator started."""
        model = RunModel([s.id for s in plan.servers], self.clock, History().span)
        self.installation = Installation(self.make_engine(plan, prompts), model, self.backends.verify, on_stage)
        self.installation.start_watching()
        return self.installation

    def monitor(self, plan: Plan, prompts: Prompts) -> Monitoring:
        """Watch the running servers of a plan; what watches them already goes on."""
        wanted = [s.id for s in plan.servers]
        if self.monitoring is not None and list(self.monitoring.servers) == wanted:
            return self.monitoring
        if self.monitoring is not None:
            task = asyncio.create_task(self.monitoring.close(), name="end monitoring")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        engine = self.make_engine(plan, prompts)
        self.monitoring = Monitoring(
            engine, self.backends.watcher(engine, self.asked_resolver), wanted, clock=self.clock
        )
        return self.monitoring

    @property
    def running(self) -> bool:
        """Whether an installation or verification is under way."""
        return self.installation is not None and self.installation.running

    async def drop_installation(self) -> None:
        """Forget a finished installation, so that the plan can be changed and installed again."""
        if self.installation is not None:
            await self.installation.close()
            self.installation = None
            self.load_known()

    async def close(self) -> None:
        """Stop watching everything; what runs on servers goes on there."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self.drop_installation()
        if self.monitoring is not None:
            with contextlib.suppress(Exception):
                await self.monitoring.close()


def _label(path: str) -> str:
    field, owner = field_at(path), step_of(path)
    return field.label if field is not None else f"step {owner.number}, {owner.title}" if owner else path
