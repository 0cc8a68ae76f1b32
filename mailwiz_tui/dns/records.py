"""All DNS records of a plan, and remarks about those that are not listed."""

from __future__ import annotations

from mailwiz_tui.dns import (
    account_domains,
    address,
    autoconfig,
    caa,
    dkim,
    dmarc,
    mta_sts,
    mx,
    ptr,
    spf,
    srv,
    tls_rpt,
    tlsa,
)
from mailwiz_tui.dns.record import Note, Record
from mailwiz_tui.dns.site import Site
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.fleet.server import Inventory
from mailwiz_tui.plan.model import Plan

STANDARDS = (address, mx, spf, dkim, dmarc, mta_sts, tls_rpt, tlsa, caa, srv, autoconfig, ptr)
"""The modules, in the order of the records: each has ``records(site)``, some have ``notes(site)``."""


def plan_records(
    plan: Plan, known: FactsFile, inventory: Inventory | None = None, *, accounts: bool = True
) -> list[Record]:
    """The records of this plan, grouped by domain in the plan's order.

    Addresses come from the inventory first, then from the facts. An unknown value is a record with ``pending`` set
    and no value. With ``accounts``, domains that only the accounts have come last.
    """
    site = Site(plan, known, inventory)
    unique = {(r.name, r.type, r.value): r for r in _records(site)}.values()
    order = {domain: index for index, domain in enumerate(plan.all_domains())}
    planned = sorted(unique, key=lambda r: order.get(r.domain, len(order)))
    return [*planned, *(account_domains.records(plan, known, inventory, _records) if accounts else ())]


def plan_notes(plan: Plan, known: FactsFile, inventory: Inventory | None = None) -> list[Note]:
    """Remarks: records that are not listed with the reasons, and warnings."""
    site = Site(plan, known, inventory)
    noted = [note for standard in STANDARDS if hasattr(standard, "notes") for note in standard.notes(site)]
    return [*noted, *account_domains.notes(plan, known)]


def _records(site: Site) -> list[Record]:
    return [record for standard in STANDARDS for record in standard.records(site)]
