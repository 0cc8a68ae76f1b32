"""What a plan may decide but ``apply`` cannot install yet, so that it says so before it connects."""

from __future__ import annotations

from mailwiz_tui.plan.findings import Finding
from mailwiz_tui.plan.model import (
    Architecture,
    Plan,
    StorageType,
)

_UNTIL = "can be planned and checked, but not installed yet"


def unsupported(plan: Plan) -> list[Finding]:
    """A finding for each decision that this version cannot carry out; empty where all can be installed."""
    findings: list[Finding] = []

    def refuse(path: str, what: str, advice: str) -> None:
        findings.append(Finding(path, f"{what} {_UNTIL}", advice=advice))

    if plan.architecture is not Architecture.SINGLE:
        refuse("architecture", plan.architecture.value, 'choose "single"')
    if plan.storage.type is StorageType.S3 and plan.backup.target:
        refuse("backup.target", "a backup of mail that is in object storage", "leave it empty, or choose maildir")
    if plan.storage.type is StorageType.NFS:
        refuse("storage.type", "NFS storage", 'choose "maildir"')
    return findings
