"""Decisions of a plan that ``apply`` cannot install yet; it reports them before it connects."""

from __future__ import annotations

from mailwiz_tui.plan.findings import Finding
from mailwiz_tui.plan.model import Architecture, Plan, PrivateNetwork

_UNTIL = "can be planned and checked, but not installed yet"


def unsupported(plan: Plan) -> list[Finding]:
    """A finding for each decision that this version cannot install; empty if there is none."""
    findings: list[Finding] = []

    def refuse(path: str, what: str, advice: str) -> None:
        findings.append(Finding(path, f"{what} {_UNTIL}", advice=advice))

    if plan.architecture is Architecture.HA_CLUSTER:
        refuse("architecture", plan.architecture.value, 'choose "single" or "distributed"')
        if plan.network.private is PrivateNetwork.EXISTING:
            # Corosync and DRBD encrypt nothing by themselves.
            refuse("network.private", "a cluster over an existing network", 'choose "wireguard"')
    return findings
