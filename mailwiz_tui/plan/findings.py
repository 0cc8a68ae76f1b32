"""Faults of a plan, with their paths, for the operator."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from mailwiz_tui.plan.errors import OperatorError


class Severity(StrEnum):
    """Whether a finding stops an installation."""

    FAULT = "fault"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """A fault of, or a warning about, a plan or an inventory.

    ``path`` is the key in the file (``domain.hostname``, ``servers.0.roles``), ``message`` states the
    fault in a sentence, ``advice`` what to do (may be empty).
    """

    path: str
    message: str
    severity: Severity = Severity.FAULT
    advice: str = ""

    @property
    def line(self) -> str:
        """The finding as one line for a terminal: ``path: message (advice)``."""
        tail = f" ({self.advice})" if self.advice else ""
        return f"{self.path}: {self.message}{tail}"


class PlanError(OperatorError):
    """A plan that cannot be used, with all findings, not only the first."""

    def __init__(self, findings: list[Finding]) -> None:
        super().__init__("; ".join(f.line for f in findings))
        self.findings = findings
