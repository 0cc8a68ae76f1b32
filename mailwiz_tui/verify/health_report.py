"""The public form of health: the names that ``monitor --json`` prints, which stay."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

from mailwiz_tui.verify.alerts import Alert
from mailwiz_tui.verify.health import Health
from mailwiz_tui.verify.result import CheckResult
from mailwiz_tui.verify.sample import Cluster
from mailwiz_tui.verify.watch import DnsDrift


@dataclass(frozen=True, slots=True)
class AlertReport:
    """An alert; ``severity`` is ``note``, ``warning`` or ``failure``, ``check`` the id of a check or empty."""

    severity: str
    check: str
    what: str
    advice: str


@dataclass(frozen=True, slots=True)
class ClusterReport:
    """The cluster as one server sees it: ``active`` has the mailboxes, ``since`` in seconds since the epoch.

    ``since`` is 0 where only another server knows. ``volume_percent`` of a copy under way, else None.
    """

    majority: bool
    active: str
    since: float
    volume_complete: bool | None
    volume_percent: float | None
    disconnected: tuple[str, ...]
    drained: tuple[str, ...]
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HealthReport:
    """A server's health; ``at`` in seconds since the epoch, sizes in bytes, None where a number is not known.

    ``cluster`` is None in a plan whose mailboxes stay on their servers, and where it could not be read. ``dns`` is
    the same for every server of a plan, and None where the DNS could not be compared.
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
    cluster: ClusterReport | None = None

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
        cluster=_cluster(sample.cluster) if sample.cluster else None,
    )


def _cluster(cluster: Cluster) -> ClusterReport:
    volume = cluster.volume
    return ClusterReport(
        majority=cluster.quorate,
        active=cluster.store,
        since=cluster.since,
        volume_complete=volume.complete if volume else None,
        volume_percent=volume.percent if volume else None,
        disconnected=tuple(node.name for node in cluster.nodes if not node.online),
        drained=tuple(node.name for node in cluster.nodes if node.standby),
        failures=cluster.failures,
    )


def _alert(alert: Alert) -> AlertReport:
    return AlertReport(alert.severity.name.lower(), alert.check, alert.what, alert.advice)
