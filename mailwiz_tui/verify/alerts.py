"""What is wrong with a running server, what it means and what to do."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum

from mailwiz_tui.fleet.account_domains import (
    ABSENT_ADVICE,
    RELAYED_ADVICE,
    UNPLANNED_ADVICE,
    absent_sentence,
    relayed_sentence,
    unplanned_sentence,
)
from mailwiz_tui.plan.words import counted
from mailwiz_tui.stack import layout
from mailwiz_tui.verify.account_domains import CHECK as ACCOUNT_DOMAINS
from mailwiz_tui.verify.sample import Sample, UnitState
from mailwiz_tui.verify.unit_words import unit_words

QUEUE_MANY = 100
QUEUE_OLD, QUEUE_VERY_OLD = 3600.0, 5 * 3600.0
DISK_LOW, DISK_OUT = 0.10, 0.03
MEMORY_LOW = 0.05
RESTART_NEWS = 24 * 3600.0
"""How long a restart after a crash is reported."""
CERTIFICATE_SOON, CERTIFICATE_NOW = 21.0, 7.0


class Severity(IntEnum):
    """How serious an alert is."""

    NOTE = 1
    WARNING = 2
    FAILURE = 3


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing that is not as it should be; ``check`` is the id of the check that found it, if one did.

    ``shared``: every server of the plan tells it in the same words.
    """

    severity: Severity
    what: str
    advice: str = ""
    check: str = ""
    shared: bool = False

    @property
    def sentence(self) -> str:
        """What is wrong, after the id of its check."""
        return f"{self.check}: {self.what}" if self.check else self.what


def alerts(sample: Sample, ports: tuple[tuple[str, int], ...] = ()) -> list[Alert]:
    """All alerts of a server, the worst first; ``ports`` are the ``(protocol, port)`` that should answer."""
    found = [
        *_units(sample.units or ()),
        *restarts(sample),
        *_ports(sample, ports),
        *_mesh(sample),
        *_queue(sample),
        *_room(sample),
        *_certificate(sample),
        *_plan_drift(sample),
    ]
    return sorted(found, key=lambda t: -t.severity)


def drift(wrong: Iterable[str], missing: Iterable[str]) -> list[Alert]:
    """DNS records that are not as planned; the names say which."""
    found = []
    if names := list(wrong):
        found.append(Alert(Severity.WARNING, f"the DNS differs from the plan: {_some(names)}", _DNS_ADVICE))
    if names := list(missing):
        found.append(Alert(Severity.WARNING, f"not published in the DNS: {_some(names)}", _DNS_ADVICE))
    return found


_DNS_ADVICE = "`mailwiz-tui dns PLAN --check` shows what to publish"


def _units(units: Iterable[UnitState]) -> Iterator[Alert]:
    for unit in units:
        if unit.runs:
            continue
        means = unit_words(unit.label).down
        state = "is starting" if unit.active == "activating" else "does not run"
        after = f" ({unit.result})" if unit.active == "failed" and unit.result not in ("", "success") else ""
        yield Alert(
            Severity.FAILURE,
            f"{unit.label} {state}{after}" + (f": {means}" if means else ""),
            f"on the server: journalctl -u {unit.label} -n 50 says why; systemctl start {unit.label} starts it",
        )


_ENDS = {
    "signal": "its main process was killed",
    "oom-kill": "the kernel killed it because memory ran out",
    "core-dump": "it crashed",
    "exit-code": "it ended with an error",
    "timeout": "it did not answer systemd in time",
    "watchdog": "it stopped answering systemd",
}


def restarts(sample: Sample) -> Iterator[Alert]:
    """Units that crashed and were restarted by systemd; a warning for a day, because the crash has a reason."""
    for unit in sample.units or ():
        age = sample.at - unit.restarted
        if not unit.restarts or not unit.runs or age > RESTART_NEWS:
            continue
        often = "once" if unit.restarts == 1 else f"{unit.restarts} times"
        ago = f"{age / 60:.0f} min" if age < 5400 else f"{age / 3600:.0f} h"
        why = f": {_ENDS[unit.cause]}" if unit.cause in _ENDS else ""
        yield Alert(
            Severity.WARNING,
            f"{unit.label} crashed and restarted by itself {often}, last {ago} ago{why}",
            f"on the server: journalctl -u {unit.label} says what happened before; "
            "journalctl -k --grep 'out of memory' whether memory ran out",
        )


def _ports(sample: Sample, ports: tuple[tuple[str, int], ...]) -> Iterator[Alert]:
    if missing := sample.missing_ports(ports):
        some = ", ".join(map(str, missing))
        yield Alert(
            Severity.FAILURE,
            f"nothing listens on port{'s' if len(missing) > 1 else ''} {some}",
            "the service of that port is down or has just started; ss -lntup on the server shows the listeners",
        )


def _mesh(sample: Sample) -> Iterator[Alert]:
    if sample.mesh is None:
        yield Alert(Severity.WARNING, "the state of the private link cannot be read", "run wg show on the server")
    for peer in sample.mesh or ():
        if not peer.lives:
            age = "has never been up" if peer.age is None else f"has been silent for {peer.age / 60:.0f} min"
            yield Alert(
                Severity.FAILURE,
                f"the private link to {peer.name} {age}",
                f"is {peer.name} up, and does the network between the two let UDP port {layout.MESH_PORT} through?",
            )


def _queue(sample: Sample) -> Iterator[Alert]:
    queue, age = sample.queue, sample.queue_age
    if queue is None:
        if any(u.label == "postfix" and u.runs for u in sample.units or ()):
            yield Alert(Severity.WARNING, "the queue cannot be read", "run postqueue -p on the server")
        return
    why = f"; most often: {queue.reason}" if queue.reason else ""
    if age > QUEUE_OLD:
        severity = Severity.FAILURE if age > QUEUE_VERY_OLD else Severity.WARNING
        yield Alert(
            severity,
            f"the oldest message has been deferred for {age / 3600:.0f} h ({queue.count} in the queue){why}",
            "postqueue -p on the server lists each message and the reason",
        )
    elif queue.count > QUEUE_MANY:
        yield Alert(
            Severity.WARNING,
            f"{counted(queue.count, 'message')} in the queue{why}",
            "a compromised account that sends spam is a common cause: look at the senders in postqueue -p",
        )


def _room(sample: Sample) -> Iterator[Alert]:
    for disk in sample.disks or ():
        share = disk.free / disk.total if disk.total else 1.0
        if share < DISK_LOW:
            yield Alert(
                Severity.FAILURE if share < DISK_OUT else Severity.WARNING,
                f"the disk at {disk.mount} is {1 - share:.0%} full",
                "free space or enlarge it: Postfix rejects mail when the disk is full",
            )
    memory = sample.memory
    if memory and memory.total and memory.available / memory.total < MEMORY_LOW:
        yield Alert(
            Severity.WARNING,
            f"only {memory.available / (1 << 20):.0f} MB of memory available",
            "ClamAV (virus scanner) usually needs most of it; give the server more memory",
        )


def _certificate(sample: Sample) -> Iterator[Alert]:
    days = sample.certificate_days
    if days is None or days > CERTIFICATE_SOON:
        return
    what = "the certificate has expired" if days < 0 else f"the certificate ends in {counted(round(days), 'day')}"
    yield Alert(
        Severity.FAILURE if days < CERTIFICATE_NOW else Severity.WARNING,
        f"{what}: mail programs {'refuse' if days < 0 else 'will refuse'} to connect",
        "renew it: `mailwiz-tui apply PLAN` requests or installs a new one",
    )


def _plan_drift(sample: Sample) -> Iterator[Alert]:
    for name in sample.plan_drift.absent:
        yield Alert(Severity.FAILURE, absent_sentence(name), ABSENT_ADVICE, ACCOUNT_DOMAINS)
    for name in sample.plan_drift.relayed:
        yield Alert(Severity.FAILURE, relayed_sentence(name), RELAYED_ADVICE, ACCOUNT_DOMAINS)
    for name in sample.plan_drift.unplanned:
        yield Alert(Severity.WARNING, unplanned_sentence(name), UNPLANNED_ADVICE, ACCOUNT_DOMAINS)


def _some(names: list[str]) -> str:
    shown = ", ".join(names[:3])
    return f"{shown} and {len(names) - 3} more" if len(names) > 3 else shown
