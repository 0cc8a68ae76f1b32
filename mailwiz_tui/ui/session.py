"""What the screens share: the draft, the inventory, what is known of servers, and what goes on there."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mailwiz_tui.dns.record import Record
from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.fleet.account_domains import known_drift
from mailwiz_tui.fleet.facts import Facts, FactsFile, ServerRecord
from mailwiz_tui.fleet.facts_store import facts_path_for, load_facts, save_facts
from mailwiz_tui.fleet.inventory import InventoryError, find_inventory, load_inventory, save_server
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.install.prompts import Prompts
from mailwiz_tui.plan.draft import Draft
from mailwiz_tui.plan.findings import Finding, PlanError
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.steps import field_at, step, step_of
from mailwiz_tui.ui.backends import Backends
from mailwiz_tui.ui.ongoing import OngoingWork
from mailwiz_tui.ui.paths import default_draft_path, load_recent, remember
from mailwiz_tui.ui.ports import EngineLike
from mailwiz_tui.ui.probing import Probes
from mailwiz_tui.ui.published import PublishedRecords


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
        self._engine_factory = backends.engine
        self.on_change: Callable[[], None] = lambda: None
        self.explicit_inventory = inventory_path
        self.inventory = Inventory()
        self.inventory_findings: list[Finding] = []
        self.probes = Probes(backends.probe, self._learn, lambda: self.on_change())
        self.published = PublishedRecords(backends.compare)
        self.ongoing = OngoingWork(backends, self.make_engine, clock)
        self.touched: set[str] = set()
        self.adopted: set[str] = set()
        self.resolver = ""
        self.saved_at: float | None = None
        self.save_error = ""
        self.now = time.time
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

    def unplanned_domains(self) -> tuple[str, ...]:
        """The mailbox domains that only the accounts have, as far as the servers told."""
        try:
            return known_drift(self.draft.preview(), self.known).unplanned
        except PlanError:
            return ()

    @property
    def asked_resolver(self) -> str | None:
        """Who is asked about the DNS: the one named at the start, the inventory's, else the system's (None)."""
        return self.resolver or self.inventory.resolver or None

    def state_of(self, step_id: str) -> str:
        """How a step stands, as a key of ``symbols.STEP_MARKS``."""
        return str(self.draft.step_state(step_id))

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
        return self._engine_factory(plan, self.inventory, prompts=prompts, facts_path=facts_path, adopt=adopt)

    def foreign_software(self, server_id: str) -> list[str]:
        """Mail software with somebody else's configuration on a server, unless it may be replaced already."""
        facts = self.known.facts(server_id)
        if facts is None or server_id in self.adopted:
            return []
        return [f"{m.name} {m.version}" for m in facts.mail_software if m.owner == "other"]

    async def drop_installation(self) -> None:
        """Forget a finished installation and read anew what is known of servers, for it learned more."""
        if self.ongoing.installation is not None:
            await self.ongoing.drop_installation()
            self.load_known()

    async def close(self) -> None:
        """Stop watching everything; what runs on servers goes on there."""
        await self.probes.close()
        await self.ongoing.close()


def _label(path: str) -> str:
    field, owner = field_at(path), step_of(path)
    return field.label if field is not None else f"step {owner.number}, {owner.title}" if owner else path
