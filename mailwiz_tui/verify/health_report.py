"""The public form of health: the names that ``monitor --json`` prints, which stay."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from mailwiz_tui.verify.alerts import Alert
from mailwiz_tui.verify.health import Health
from mailwiz_tui.verify.result import CheckResult
from mailwiz_tui.verify.watch import DnsDrift


@dataclass(frozen=True, slots=True)
class AlertReport:
    """An alert; ``severity`` is ``note``, ``warning`` or ``failure``, ``check`` the id of a check or empty."""

    severity: str
    check: str
    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class HealthReport:
    """A server's health; ``at`` in seconds since the epoch, sizes in bytes, None where a number is not known.

    ``dns`` is the same for every server of a plan, and None where the DNS could not be compared.
    """

    server_id: str
    at: float
    results: tuple[CheckResult, ...]
    queue: int | None
    bans: int | None
    disk_free: int
    memory_available: int
    certificate_days: float | None
    restarts: tuple[str, ...]
    alerts: tuple[AlertReport, ...]
    dns: DnsDrift | None

    @property
    def json(self) -> str:
        """The report as one line of JSON."""
        return json.dumps(dataclasses.asdict(self))


def report(health: Health, dns: DnsDrift | None = None) -> HealthReport:
    """What is published of a server's health."""
    sample = health.sample
    return HealthReport(
        server_id=health.server_id,
        at=health.at,
        results=health.results,
        queue=sample.queue.count if sample.queue else None,
        bans=sample.banned,
        disk_free=health.disk_free,
        memory_available=health.memory_available,
        certificate_days=sample.certificate_days,
        restarts=health.restarts,
        alerts=tuple(_alert(alert) for alert in health.alerts),
        dns=dns,
    )


def _alert(alert: Alert) -> AlertReport:
    return AlertReport(alert.severity.name.lower(), alert.check, alert.what, alert.advice)
