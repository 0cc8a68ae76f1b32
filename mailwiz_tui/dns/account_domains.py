"""Records of domains that only the accounts have: those that they would have in the plan, if they work.

Records that need a certificate for the domain's own names (MTA-STS, autoconfig) wait until it is in the plan.
"""

from __future__ import annotations

from collections.abc import Callable

from mailwiz_tui.dns.record import Note, Record
from mailwiz_tui.dns.site import Site
from mailwiz_tui.fleet.account_domains import UNPLANNED_ADVICE, known_drift, unplanned_sentence, widened
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.fleet.server import Inventory
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.topology.servers import account_store_id


def records(
    plan: Plan, known: FactsFile, inventory: Inventory | None, records_of: Callable[[Site], list[Record]]
) -> list[Record]:
    """The records by domain, of all that a plan with these domains has; none where plan and accounts agree."""
    names = known_drift(plan, known, account_store_id(plan)).unplanned
    if not names:
        return []
    site = Site(widened(plan, names), known, inventory)
    found = [record for record in records_of(site) if record.standard.about.unplanned]
    return [record for name in names for record in found if _concerns(record, name)]


def _concerns(record: Record, name: str) -> bool:
    """Whether a record belongs to the domain: in its zone, or as permission for reports about it (RFC 9990)."""
    return record.domain == name or record.name.endswith(f".{name}") or record.name.startswith(f"{name}._report.")


def notes(plan: Plan, known: FactsFile) -> list[Note]:
    """The effects of each such domain, and what to do."""
    return [
        Note(name, "the plan", f"{unplanned_sentence(name)}. To do: {UNPLANNED_ADVICE}.")
        for name in known_drift(plan, known, account_store_id(plan)).unplanned
    ]
