"""Records of servers removed from the plan: those still in the DNS are removed, and no others.

Only values of the server itself are removed: its addresses and its certificate's fingerprint, from its facts, at
names that exist for it alone. DKIM keys stay, because receivers verify mail on its way with them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from mailwiz_tui.dns.changes import Change
from mailwiz_tui.dns.live import RecordState
from mailwiz_tui.dns.match import normal
from mailwiz_tui.dns.record import Record
from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.published import before_departure, departed, host_label, mx_names, server_name

_KEPT = (Standard.DKIM, Standard.PTR)


def stale_records(plan: Plan, known: FactsFile) -> list[Record]:
    """The former records of servers that are not in the plan any more."""
    gone = departed(plan, known.members())
    if not gone:
        return []
    before = before_departure(plan, gone)
    names = {server_name(before, server) for server in before.servers if server.id in gone}
    kept = {(r.name, r.type) for r in plan_records(plan, known)}
    return [
        record
        for record in plan_records(before, known)
        if (record.name, record.type) not in kept
        and any(record.name == name or record.name.endswith(f".{name}") for name in names)
        and record.standard not in _KEPT
        and not record.pending
    ]


def stale_mx(plan: Plan, known: FactsFile) -> frozenset[str]:
    """The names of former servers of this plan that received mail; each with a final dot."""
    gone = departed(plan, known.members())
    names = [plan.domain.hostname, *(f"{host_label(server_id)}.{plan.domain.primary_domain}" for server_id in gone)]
    return frozenset(f"{name}." for name in names if name not in mx_names(plan))


def left_over(states: Sequence[RecordState]) -> list[Change]:
    """The former records that still exist, to be removed."""
    found: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
    for state in states:
        wanted = normal(state.record.type, state.record.value)
        for value in state.got:
            if normal(state.record.type, value) == wanted:
                found[state.record.name, state.record.type][value] = None
    return [Change(name, kind, 0, tuple(values), ()) for (name, kind), values in found.items()]
