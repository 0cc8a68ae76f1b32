"""Records of servers removed from the plan: those still in the DNS are removed, and no others.

Only values of the server itself are removed: its addresses and its certificate's fingerprint, from its facts, at
names that exist for it alone, and its fingerprint at the mail hostname. DKIM keys stay, because receivers verify
mail on its way with them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence

from mailwiz_tui.dns import tlsa
from mailwiz_tui.dns.changes import Change
from mailwiz_tui.dns.live import RecordState
from mailwiz_tui.dns.match import normal
from mailwiz_tui.dns.record import Record
from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.dns.site import Site
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
    planned = plan_records(plan, known)
    kept = {(r.name, r.type) for r in planned}
    former = [r for r in plan_records(before, known) if not r.pending]
    return [
        record
        for record in former
        if (record.name, record.type) not in kept
        and any(record.name == name or record.name.endswith(f".{name}") for name in names)
        and record.standard not in _KEPT
    ] + _shared_keys(Site(before, known), former, {(r.name, r.value) for r in planned}, gone)


def _shared_keys(
    site: Site, former: Sequence[Record], planned: Collection[tuple[str, str]], gone: Collection[str]
) -> list[Record]:
    """The fingerprints of removed servers among those of others at the mail hostname."""
    keys = {tls.spki_sha256 for server_id in gone if (tls := site.tls(server_id))}
    return [
        record
        for record in former
        if record.name in tlsa.shared_names(site)
        and record.value.split()[-1] in keys
        and (record.name, record.value) not in planned
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
