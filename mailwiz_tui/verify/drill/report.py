"""The report of a drill: as Markdown, as JSON, and in short."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from mailwiz_tui.agent.protocol.clean import clean_line
from mailwiz_tui.plan.words import counted, listed
from mailwiz_tui.verify.drill.count import Counts
from mailwiz_tui.verify.drill.flow import Client
from mailwiz_tui.verify.drill.options import DrillOptions
from mailwiz_tui.verify.drill.phases import HARD, Phase
from mailwiz_tui.verify.drill.record import Attempt, Outcome, longest_gap

ANY_MX = "any MX, port 25"
SHOWN = 5
"""How many tokens of missing messages, or different errors, are listed in Markdown."""


@dataclass(frozen=True, slots=True)
class GapReport:
    """The longest gap of a client in a phase; ``server`` is that of an MX, empty for what more than one serves.

    ``ended`` is False if no answer followed; ``failures`` were in it. ``judged`` is False for port 25 of the server
    that was reset: other mail servers send to another MX meanwhile.
    """

    client: str
    server: str
    seconds: float
    begun: str
    ended: bool
    failures: int
    judged: bool


@dataclass(frozen=True, slots=True)
class PhaseReport:
    """A phase. ``source`` and ``target`` are servers; ``move_seconds`` is None if nothing moved."""

    name: str
    title: str
    source: str
    target: str
    begun: str
    seconds: float
    move_seconds: float | None
    gaps: tuple[GapReport, ...]


@dataclass(frozen=True, slots=True)
class FailureReport:
    """An answer or error, and how often a client got it; ``first`` is when, for the first time."""

    said: str
    times: int
    first: str


@dataclass(frozen=True, slots=True)
class ClientReport:
    """All attempts of a client, by their end."""

    name: str
    attempts: int
    done: int
    deferred: int
    failures: tuple[FailureReport, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """What a drill showed. It has passed if it has no ``problems``."""

    hostname: str
    begun: str
    rate: float
    limit: float
    interrupted: bool
    whole: bool
    problems: tuple[str, ...]
    notes: tuple[str, ...]
    messages: Counts
    phases: tuple[PhaseReport, ...]
    clients: tuple[ClientReport, ...]

    @property
    def passed(self) -> bool:
        """Whether no message was lost, no gap was too long, and the cluster is whole."""
        return not self.problems


def phase_reports(phases: Sequence[Phase], clients: Sequence[Client], until: float) -> tuple[PhaseReport, ...]:
    """The phases with the longest gap of each client; ``until`` is when the clients stopped."""
    return tuple(
        PhaseReport(
            phase.name,
            phase.title,
            phase.source,
            phase.target,
            moment(phase.begin),
            round(phase.end - phase.begin, 2),
            None if phase.taken is None else round(phase.taken, 2),
            tuple(found for seen in _seen(clients) if (found := _gap(seen, phase, until))),
        )
        for phase in phases
    )


@dataclass(frozen=True, slots=True)
class _Seen:
    """The attempts of one client, or of all that send to any MX."""

    name: str
    attempts: Sequence[Attempt]
    server_id: str = ""


def _seen(clients: Sequence[Client]) -> Iterator[_Seen]:
    each = [_Seen(client.name, client.attempts, client.server_id) for client in clients]
    to_mx = [seen for seen in each if seen.server_id]
    if len(to_mx) > 1:
        yield _Seen(ANY_MX, [attempt for seen in to_mx for attempt in seen.attempts])
    yield from each


def _gap(seen: _Seen, phase: Phase, until: float) -> GapReport | None:
    gap = longest_gap(seen.attempts, phase.begin, phase.end, until)
    if gap is None:
        return None
    failed = [a for a in seen.attempts if not a.answered and gap.begin < a.ended <= gap.end]
    reset = phase.name == HARD and seen.server_id == phase.source
    return GapReport(
        seen.name, seen.server_id, round(gap.seconds, 2), moment(gap.begin), gap.ended, len(failed), not reset
    )


def client_report(client: Client) -> ClientReport:
    """How the attempts of a client ended."""
    outcomes = Counter(attempt.outcome for attempt in client.attempts)
    first: dict[str, float] = {}
    times: Counter[str] = Counter()
    for attempt in client.attempts:
        if attempt.outcome is not Outcome.DONE:
            said = clean_line(attempt.said)
            first.setdefault(said, attempt.begun)
            times[said] += 1
    failures = tuple(FailureReport(said, number, moment(first[said])) for said, number in times.most_common())
    return ClientReport(
        client.name, len(client.attempts), outcomes[Outcome.DONE], outcomes[Outcome.DEFERRED], failures
    )


def problems_of(counts: Counts, phases: Sequence[PhaseReport], options: DrillOptions) -> list[str]:
    """What mail and gaps have against a drill."""
    found: list[str] = []
    if counts.missing:
        found.append(f"{counted(len(counts.missing), 'accepted message')} missing in the mailbox")
    if counts.twice:
        found.append(f"{counted(len(counts.twice), 'message')} delivered twice without a reason")
    for phase in phases:
        for gap in phase.gaps:
            if gap.judged and (gap.seconds > options.limit or not gap.ended):
                end = "" if gap.ended else " and none after that"
                limit = f"{phase.name}; limit {options.limit:g} s"
                found.append(f"{gap.client} had no answer for {gap.seconds:.1f} s{end} ({limit})")
    return found


def moment(at: float) -> str:
    """A time of ``time.monotonic`` as date and time with its zone (ISO 8601)."""
    there = time.localtime(at + time.time() - time.monotonic())
    return time.strftime("%Y-%m-%dT%H:%M:%S%z", there)


def as_json(report: Report) -> str:
    """The report with stable keys: ``{"version": 1, "passed": true, "messages": {...}, "phases": [...], ...}``."""
    return json.dumps({"version": 1, "passed": report.passed, **asdict(report)}, indent=2)


def in_short(report: Report) -> Iterator[str]:
    """The report in a few lines, the verdict first."""
    yield verdict(report)
    for problem in report.problems:
        yield f"  {problem}"
    yield f"  {_mail(report.messages)}"
    for phase in report.phases:
        shown = [gap for gap in phase.gaps if not gap.server] or phase.gaps
        if shown:
            gaps = listed(f"{gap.seconds:.1f} s ({gap.client})" for gap in shown)
            yield f"  {phase.name}: longest gap {gaps}"
    for note in report.notes:
        yield f"  {note}"


def verdict(report: Report) -> str:
    """One sentence."""
    if report.interrupted:
        return "The drill was interrupted."
    return "The drill has passed." if report.passed else "The drill has failed."


def _mail(counts: Counts) -> str:
    parts = [
        f"{counted(counts.accepted, 'message')} accepted, {counts.delivered} of them delivered",
        f"{len(counts.missing)} missing",
        f"{len(counts.twice)} delivered twice without a reason",
    ]
    if counts.repeated:
        parts.append(f"{counts.repeated} delivered twice because a sender got no reply")
    if counts.unconfirmed:
        parts.append(f"{counts.unconfirmed} delivered although no sender got a reply")
    return ", ".join(parts)


def as_markdown(report: Report) -> str:
    """The whole report."""
    return "\n".join([*_head(report), *_phases(report), *_clients(report)]) + "\n"


def _head(report: Report) -> Iterator[str]:
    yield f"# Failover drill of {report.hostname}"
    yield ""
    yield f"**{verdict(report)}** Begun {report.begun}, {report.rate:g} messages/s, longest gap {report.limit:g} s."
    yield ""
    yield f"- {_mail(report.messages)}."
    yield f"- The cluster is {'whole' if report.whole else 'NOT whole'} at the end."
    yield from (f"- **Problem:** {problem}." for problem in report.problems)
    yield from (f"- Note: {note}." for note in report.notes)
    if missing := report.messages.missing:
        yield f"- Missing (token in the subject): {listed(missing, SHOWN)}."
    if twice := report.messages.twice:
        yield f"- Twice (token in the subject): {listed(twice, SHOWN)}."


def _phases(report: Report) -> Iterator[str]:
    for phase in report.phases:
        yield ""
        yield f"## {phase.title}"
        yield ""
        moved = ""
        if phase.source:
            target = phase.target or "no other server"
            after = "" if phase.move_seconds is None else f" after {phase.move_seconds:.1f} s"
            moved = f" The mailboxes moved from {phase.source} to {target}{after}."
        yield f"Begun {phase.begun}, {phase.seconds:.0f} s.{moved}"
        yield ""
        yield "| client | longest gap | begun | attempts without an answer |"
        yield "|---|---|---|---|"
        for gap in phase.gaps:
            seconds = f"{gap.seconds:.1f} s{'' if gap.ended else ', not ended'}{'' if gap.judged else ' (reset)'}"
            yield f"| {gap.client} | {seconds} | {gap.begun} | {gap.failures} |"


def _clients(report: Report) -> Iterator[str]:
    yield from (
        "",
        "## Clients",
        "",
        "| client | attempts | answered | deferred | failed |",
        "|---|---|---|---|---|",
    )
    for client in report.clients:
        failed = client.attempts - client.done - client.deferred
        yield f"| {client.name} | {client.attempts} | {client.done} | {client.deferred} | {failed} |"
    if any(client.failures for client in report.clients):
        yield from ("", "| client | answer or error | times | first |", "|---|---|---|---|")
    for client in report.clients:
        for failure in client.failures[:SHOWN]:
            said = failure.said.replace("|", "\\|")
            yield f"| {client.name} | {said} | {failure.times} | {failure.first} |"
