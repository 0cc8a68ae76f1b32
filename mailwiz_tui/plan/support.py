"""Decisions of a plan that ``apply`` cannot install yet; it reports them before it connects."""

from __future__ import annotations

from collections.abc import Callable

from mailwiz_tui.plan.findings import Finding
from mailwiz_tui.plan.model import (
    AdminPanel,
    Architecture,
    Plan,
    Role,
    StorageType,
    Webmail,
)

_UNTIL = "can be planned and checked, but not installed yet"


def unsupported(plan: Plan) -> list[Finding]:
    """A finding for each decision that this version cannot install; empty if there is none."""
    findings: list[Finding] = []

    def refuse(path: str, what: str, advice: str) -> None:
        findings.append(Finding(path, f"{what} {_UNTIL}", advice=advice))

    if plan.architecture is Architecture.HA_CLUSTER:
        refuse("architecture", plan.architecture.value, 'choose "single" or "distributed"')
    if plan.architecture is Architecture.DISTRIBUTED:
        _divided(plan, refuse)
    if plan.storage.type is StorageType.S3 and plan.backup.target:
        refuse("backup.target", "a backup of mail that is in object storage", "leave it empty, or choose maildir")
    return findings


def _divided(plan: Plan, refuse: Callable[[str, str, str], None]) -> None:
    """Functions that are possible on one server, but not yet on several."""
    several = "on several servers"
    if plan.storage.type is StorageType.S3:
        refuse("storage.type", f"object storage {several}", 'choose "maildir"')
    fronts = len(plan.servers_with(Role.MX_OUTBOUND))
    if plan.services.webmail is not Webmail.NONE and fronts > 1:
        what = "Roundcube on several servers that serve clients"
        refuse("services.webmail", what, 'give mx-outbound to one server, or choose "none"')
    if plan.services.admin_panel is not AdminPanel.NONE and fronts > 1:
        what = "PostfixAdmin on several servers that serve clients"
        refuse("services.admin_panel", what, 'give mx-outbound to one server, or choose "none"')
