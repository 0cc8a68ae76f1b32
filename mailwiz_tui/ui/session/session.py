"""What the screens share: the draft, the inventory, the servers' facts, and the work that runs on them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.dns.record import Record
from mailwiz_tui.fleet.account_domains import known_drift
from mailwiz_tui.fleet.facts import Facts, FactsFile, ServerRecord
from mailwiz_tui.fleet.facts_store import facts_path_for, load_facts, save_facts
from mailwiz_tui.fleet.inventory import InventoryError, find_inventory, load_inventory, save_server
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.plan.draft import Draft
from mailwiz_tui.plan.findings import Finding, PlanError
from mailwiz_tui.plan.merge import Difference
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.steps import step
from mailwiz_tui.topology.servers import account_store_id
from mailwiz_tui.ui.session import lab_boot
from mailwiz_tui.ui.session.backends import Backends
from mailwiz_tui.ui.session.lab_boot import BootState, LabBoot
from mailwiz_tui.ui.session.ongoing import OngoingWork
from mailwiz_tui.ui.session.paths import default_draft_path, remember, remembered_inventory
from mailwiz_tui.ui.session.probing import Probes
from mailwiz_tui.ui.session.published import PublishedRecords, planned_records


class Session:
    """One open plan.

    ``on_change`` is called when something other than an answer changed. ``on_outside`` is called with the keys that
    another program changed in the plan file, and with those of them that were changed here at the same time.
    """

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
        self.on_outside: Callable[[list[Difference], list[Difference]], None] = lambda changes, conflicts: None
        self.explicit_inventory = inventory_path
        self.inventory = Inventory()
        self.inventory_findings: list[Finding] = []
        self.probes = Probes(backends.probe, self._learn, lambda: self.on_change())
        self.published = PublishedRecords(backends.compare)
        self.ongoing = OngoingWork(backends, self.make_engine, clock)
        self.touched: set[str] = set()
        self.adopted: set[str] = set()
        self.addresses: dict[str, dict[str, str]] = {}
        self.lab: LabBoot | None = None
        self.resolver = ""
        self.saved_at: float | None = None
        self.save_error = ""
        self.now = time.time
        self._known = FactsFile()
        self.open(plan_path or default_draft_path())

    def open(self, path: Path) -> None:
        """Open the plan at ``path``; raises PlanError if the file is not a plan."""
        self.path = path
        self.draft = Draft.open(path)
        self.touched = set()
        self.adopted = set()
        self.addresses = {}
        if self.explicit_inventory is None:
            self.explicit_inventory = remembered_inventory(path)
        self.load_inventory()
        self.load_known()
        self.saved_at = None
        self.save_error = ""

    @property
    def known(self) -> FactsFile:
        """The servers' facts and public keys; the answers are compared with them."""
        return self._known

    @known.setter
    def known(self, known: FactsFile) -> None:
        self._known = known
        self.draft.known = known
        self.draft.installed = any(
            record.dkim or record.tls or record.internal or record.facts.installed_digest
            for record in known.servers.values()
        )

    def load_known(self) -> None:
        """Read the facts file beside the plan; a missing file is not an error."""
        try:
            self.known = load_facts(facts_path_for(self.path))
        except (OSError, ValueError, PlanError):
            self.known = FactsFile()

    def load_inventory(self) -> None:
        """Read the inventory again; its faults are stored for the screens."""
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
        """Use this inventory file from now on, also at the next start."""
        self.explicit_inventory = path
        self.load_inventory()
        remember(self.path, path)

    def boot_lab(self) -> None:
        """Boot lab hosts; their inventory is used as soon as they are up, whatever screen is shown."""
        self.lab = LabBoot(self._lab_ended)

    def _lab_ended(self) -> None:
        if self.lab is not None and self.lab.state is BootState.READY:
            self.use_inventory(lab_boot.lab_inventory())
        self.on_change()

    def add_server(self, server: Server) -> None:
        """Save a server typed by the operator; chosen hosts of an inventory in another format are copied first."""
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
        """The plan's servers from the draft."""
        raw = self.value("servers")
        return [dict(s) for s in raw if isinstance(s, dict)] if isinstance(raw, list) else []

    def value(self, path: str) -> object:
        """The answer at a path of the plan, or None."""
        value: object = self.draft.get(path)
        return value

    def set(self, path: str, value: object) -> None:
        """Store an answer; it is in the draft's file when this returns, or ``save_error`` says why not."""
        self._saving(lambda: self.draft.set(path, value))

    def finish_step(self, step_id: str) -> None:
        """Accept a step's proposals, and the suggestions of its required fields that are empty."""
        self._saving(lambda: self.draft.accept(step_id))
        for field in step(step_id).fields:
            missing = field.required and not self.value(field.path) and field.is_shown(self.value)
            if missing and (suggestion := self.draft.suggestion(field.path)):
                self.set(field.path, suggestion)
        self.draft.confirm(step_id)

    def accept(self, step_id: str) -> None:
        """Accept the proposals of a step."""
        self._saving(lambda: self.draft.accept(step_id))

    def save_again(self) -> bool:
        """Try again to save unsaved answers; ``save_error`` says why it failed."""
        return self._saving(self.draft.save)

    def save_elsewhere(self, path: Path) -> bool:
        """Use another plan file from now on; the facts file is copied beside it."""
        if not self._saving(lambda: self.draft.save_elsewhere(path)):
            return False
        self.path = path
        if self._known.servers:
            with contextlib.suppress(PlanError, OSError):
                save_facts(facts_path_for(path), self._known)
        source = self.inventory.source
        remember(path, source)
        return True

    def look_at_file(self) -> None:
        """Read changes of the plan file by other programs; try again to save unsaved answers."""
        self._saving(self._look)

    def _look(self) -> None:
        self.draft.refresh()
        if self.draft.unsaved:
            self.draft.save()

    @property
    def save_problem(self) -> str:
        """Why the plan file differs from the screens; empty if it does not."""
        if self.draft.gone and not self.draft.unsaved:
            return f"{self.path.name} was removed while it was open; the next answer writes it again in full"
        if not self.save_error:
            return ""
        return f"NOT SAVED: {self.save_error}" if self.draft.unsaved else f"The plan file: {self.save_error}"

    def _saving(self, save: Callable[[], None]) -> bool:
        before = self.draft.saves
        try:
            save()
        except PlanError as error:
            self.save_error = "; ".join(f.line for f in error.findings)
            return False
        if not self.draft.unsaved:
            self.save_error = ""
        if self.draft.saves != before:
            self.saved_at = self.now()
        changes, conflicts = self.draft.take_outside(), self.draft.take_conflicts()
        if changes or conflicts:
            self.touched.update(change.path for change in changes)
            self.on_outside(changes, conflicts)
        return True

    def findings(self) -> list[Finding]:
        """All findings about the answers so far."""
        return self.draft.findings()

    def forbidden_reason(self, path: str, value: object) -> str:
        """Why the rules forbid an answer together with the others, or empty."""
        return self.draft.forbidden_reason(path, value)

    def discouraged_reason(self, path: str, value: object) -> str:
        """Why the servers' facts speak against an answer, or empty."""
        return self.draft.discouraged_reason(path, value)

    def plan(self) -> Plan | None:
        """The plan, or None if it has faults."""
        try:
            return self.draft.plan()
        except PlanError:
            return None

    def records(self) -> tuple[list[Record], str]:
        """The DNS records for the answers so far, and a note about missing answers."""
        return planned_records(self.draft, self.known, self.inventory)

    def unplanned_domains(self) -> tuple[str, ...]:
        """The mailbox domains that the accounts have and the plan has not, by the servers' facts."""
        try:
            plan = self.draft.preview()
        except PlanError:
            return ()
        return known_drift(plan, self.known, account_store_id(plan)).unplanned

    @property
    def asked_resolver(self) -> str | None:
        """The resolver for DNS lookups: the command line's, else the inventory's, else the system's (None)."""
        return self.resolver or self.inventory.resolver or None

    def state_of(self, step_id: str) -> str:
        """The state of a step, as a key of ``symbols.STEP_MARKS``."""
        return str(self.draft.step_state(step_id))

    def _learn(self, server: Server, facts: Facts) -> None:
        """Store a server's facts beside the plan; addresses of the inventory take precedence."""
        named = {k: v for k in ("public_ipv4", "public_ipv6") if (v := getattr(server, k))}
        record = self.known.servers.get(server.id, ServerRecord())
        fresh = record.model_copy(update={"facts": facts.model_copy(update=named)})
        self.known = FactsFile(servers={**self.known.servers, server.id: fresh})
        with contextlib.suppress(PlanError, OSError):
            save_facts(facts_path_for(self.path), self.known)

    def make_engine(self, plan: Plan, prompts: Prompts) -> EngineApi:
        """An engine for the plan."""
        facts_path = facts_path_for(self.path)
        adopt = frozenset(self.adopted)
        return self._engine_factory(plan, self.inventory, prompts=prompts, facts_path=facts_path, adopt=adopt)

    def foreign_software(self, server_id: str) -> list[str]:
        """Mail software on a server that mailwiz-tui did not configure, unless its replacement was confirmed."""
        facts = self.known.facts(server_id)
        if facts is None or server_id in self.adopted:
            return []
        return [f"{m.name} {m.version}" for m in facts.mail_software if m.owner == "other"]

    async def drop_installation(self) -> None:
        """Forget a finished installation and read the facts file again, which it has updated."""
        if self.ongoing.installation is not None:
            await self.ongoing.drop_installation()
            self.load_known()

    async def close(self) -> None:
        """Stop watching; runs on servers continue."""
        await self.probes.close()
        await self.ongoing.close()
