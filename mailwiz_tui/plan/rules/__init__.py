"""The rules between values of a plan.

One module a subject; each yields findings, none connects to anything.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.rules import (
    certificates,
    cluster,
    domains,
    known_cluster,
    known_servers,
    limits,
    security,
    servers,
    storage,
)
from mailwiz_tui.plan.rules.known_servers import KnownServers

__all__ = ["KnownServers", "cross_check"]


def cross_check(
    plan: Plan,
    known: KnownServers | None = None,
    inventory_ids: Sequence[str] | None = None,
    *,
    base: Path | None = None,
    hostname_addresses: Collection[str] | None = None,
) -> list[Finding]:
    """All findings about a plan whose single values are valid: faults first, then warnings.

    ``known``: the facts of the servers (a ``FactsFile``). ``inventory_ids``: the ids of the inventory; with None
    ids are not compared. ``base``: the plan's folder; with None no certificate file is read.
    ``hostname_addresses``: the present addresses of the mail host name in the DNS; with None they are not
    compared.
    """
    findings = [
        *servers.check(plan, inventory_ids),
        *cluster.check(plan),
        *domains.check(plan),
        *certificates.check(plan, base),
        *security.check(plan),
        *storage.check(plan),
        *limits.check(plan),
    ]
    if known is not None:
        findings += [*known_servers.check(plan, known), *known_cluster.check(plan, known)]
    if hostname_addresses is not None:
        findings += known_servers.check_hostname(plan, known, hostname_addresses)
    return sorted(findings, key=lambda f: f.severity is not Severity.FAULT)
