"""How a running server is: one model, from which the monitor's screen, its lines and its JSON are drawn."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.plan.words import counted
from mailwiz_tui.verify import account_domains
from mailwiz_tui.verify.alerts import Alert, Severity, alerts, restarts
from mailwiz_tui.verify.causes import follows
from mailwiz_tui.verify.cluster_alerts import cluster_alerts, place_words
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.sample import Sample

DRIFT_INTERVAL = 600.0
"""Seconds between two comparisons of the DNS with the plan."""
_SEVERITY = {CheckState.FAILED: Severity.FAILURE, CheckState.WARNING: Severity.WARNING}


@dataclass(frozen=True, slots=True)
class Health:
    """One server at one moment: the numbers that it told, and what its own checks said when they were last made.

    ``at`` is in seconds since the epoch by this machine's clock; ``ports`` are the ``(protocol, port)`` that the
    plan wants listened on. ``clustered``: the server is one of those among which the store moves.
    """

    server_id: str
    at: float
    sample: Sample
    results: tuple[CheckResult, ...] = ()
    ports: tuple[tuple[str, int], ...] = ()
    clustered: bool = False

    @property
    def installing(self) -> bool:
        """Whether an installation runs there."""
        return self.sample.run is not None and bool(self.sample.run.active)

    @property
    def alerts(self) -> list[Alert]:
        """Everything wrong, the worst first; nothing during an installation, for services are stopped by right."""
        if self.installing:
            return []
        found = alerts(self.sample, self.ports)
        if self.clustered:
            found += cluster_alerts(self.sample.cluster)
        found += [
            Alert(_SEVERITY[result.state], result.detail or result.proves, result.advice, result.id)
            for result in self.results
            if result.state in _SEVERITY and not self._explained(result)
        ]
        return sorted(found, key=lambda alert: -alert.severity)

    def _explained(self, result: CheckResult) -> bool:
        """Whether the sample says it already, or a unit that is down explains it."""
        down = [unit.label for unit in self.sample.units or () if not unit.runs]
        return result.id == account_domains.CHECK or any(follows(result, unit, self.server_id) for unit in down)

    @property
    def restarts(self) -> tuple[str, ...]:
        """Sentences about services that crashed and came back by themselves within the last day."""
        return tuple(alert.what for alert in restarts(self.sample))

    @property
    def disk_free(self) -> int:
        """Bytes free on the disk with the least."""
        return min((disk.free for disk in self.sample.disks or ()), default=0)

    @property
    def memory_available(self) -> int:
        """Bytes of memory that programs can still get."""
        return self.sample.memory.available if self.sample.memory else 0

    @property
    def line(self) -> str:
        """The whole in one line."""
        sample = self.sample
        passed = sum(result.state is CheckState.PASSED for result in self.results)
        words = [
            f"{passed} of {counted(len(self.results), 'check')} passed",
            f"{_count(sample.queue.count if sample.queue else None)} in the queue",
            f"{_count(sample.banned)} banned",
            f"{self.disk_free / (1 << 30):.1f} GB disk free",
            f"{self.memory_available / (1 << 20):.0f} MB memory available",
        ]
        if sample.certificate_days is not None:
            words.append(f"certificate valid {counted(round(sample.certificate_days), 'day')}")
        if sample.cluster:
            words.append(place_words(sample.cluster))
        if self.installing:
            words.append("an installation is in progress")
        return ", ".join(words)


def _count(number: int | None) -> str:
    return "?" if number is None else str(number)
