"""What most commands start from: the plan, the inventory, what is known, and an engine over them."""

from __future__ import annotations

import argparse
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mailwiz_tui.commands.terminal import complain, prompts
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.fleet.facts_store import FactsError, facts_path_for, load_facts
from mailwiz_tui.fleet.inventory import InventoryError, find_inventory, load_inventory
from mailwiz_tui.fleet.server import Inventory
from mailwiz_tui.plan.findings import Finding, PlanError, Severity
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.rules import cross_check
from mailwiz_tui.plan.toml import load_plan

if TYPE_CHECKING:
    from mailwiz_tui.deploy.engine_api import EngineApi


@dataclass(frozen=True, slots=True)
class Workspace:
    """A plan that was read and checked, its inventory, and what is known of the servers."""

    plan_path: Path
    plan: Plan
    inventory: Inventory
    known: FactsFile
    warnings: tuple[Finding, ...]

    @property
    def facts_path(self) -> Path:
        """Where facts and public keys are kept."""
        return facts_path_for(self.plan_path)

    def warn(self) -> None:
        """Print the warnings to standard error."""
        for finding in self.warnings:
            complain(f"warning: {finding.line}")

    def engine(self, options: argparse.Namespace) -> EngineApi:
        """An engine over this plan; the caller closes it."""
        from mailwiz_tui.deploy.engine import Engine

        return Engine(
            self.plan,
            self.inventory,
            prompts=prompts(accept_new_host_keys=options.accept_new_host_keys),
            facts_path=self.facts_path,
            adopt=getattr(options, "adopt", False),
        )


def _hostname_addresses(plan: Plan, known: FactsFile) -> set[str] | None:
    """What the mail host's name leads to now; None where no server was asked yet or nothing answers."""
    if not known.servers:
        return None
    try:
        found = socket.getaddrinfo(plan.domain.hostname, None, type=socket.SOCK_STREAM)
    except OSError:
        return None
    return {str(entry[4][0]) for entry in found}


def examine(plan_path: Path, inventory_path: Path | None) -> tuple[Workspace | None, list[Finding]]:
    """Read plan and inventory together; the workspace is None where there are faults.

    All findings of both files come back at once, warnings among them.
    """
    findings: list[Finding] = []
    plan: Plan | None = None
    inventory = Inventory()
    known = FactsFile()
    try:
        plan = load_plan(plan_path)
    except PlanError as error:
        findings += error.findings
    try:
        known = load_facts(facts_path_for(plan_path))
    except FactsError as error:
        findings += error.findings
    ids: list[str] | None = None
    found = find_inventory(plan_path, inventory_path)
    if found is not None:
        try:
            inventory = load_inventory(found)
            ids = [server.id for server in inventory.servers]
            findings += inventory.warnings
        except InventoryError as error:
            findings += error.findings
    if plan is not None:
        findings += cross_check(
            plan,
            known,
            ids,
            base=plan_path.parent,
            hostname_addresses=_hostname_addresses(plan, known),
        )
    if plan is None or any(f.severity is Severity.FAULT for f in findings):
        return None, findings
    return Workspace(plan_path, plan, inventory, known, tuple(findings)), findings


def open_workspace(options: argparse.Namespace) -> Workspace:
    """The workspace of a command's PLAN and ``--inventory``.

    Raises PlanError with every finding where there are faults.
    """
    workspace, findings = examine(options.plan, options.inventory)
    if workspace is None:
        raise PlanError([f for f in findings if f.severity is Severity.FAULT])
    return workspace
