"""The plan's records compared with the live DNS, a check for each standard.

A missing record is a warning that says what to publish, because a server works before its DNS is complete; a wrong
record is a failure, because mail is lost. Reverse DNS is never missing: before it has the server's name, an address
has the provider's name, so a wrong one is a warning too.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from mailwiz_tui.dns.live import RecordState, compare
from mailwiz_tui.dns.lookup import ResolverError
from mailwiz_tui.dns.match import State
from mailwiz_tui.dns.record import Record
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.verify.dns_consequences import UNANSWERED, obstacles
from mailwiz_tui.verify.obstacle import Concern, Obstacle
from mailwiz_tui.verify.result import CheckResult, CheckState

SHOWN = 3


async def run(records: Sequence[Record], server_id: str, resolver: str | None = None) -> list[CheckResult]:
    """Compare and judge; ``resolver`` as in ``dns.live.compare``."""
    try:
        states = await compare(records, resolver)
    except ResolverError as error:
        unknown = Obstacle(Concern.INCOMING, UNANSWERED[Concern.INCOMING], "the DNS", "could not be asked")
        not_run, proves = CheckState.NOT_RUN, "The DNS can be asked."
        return [
            CheckResult("dns.resolver", server_id, not_run, proves, error.what, error.advice, obstacles=(unknown,))
        ]
    return judge(states, server_id)


def judge(states: Sequence[RecordState], server_id: str) -> list[CheckResult]:
    """One result for each standard."""
    groups: dict[Standard, list[RecordState]] = defaultdict(list)
    for state in states:
        groups[state.record.standard].append(state)
    return [
        replace(
            _judge(standard, groups[standard], server_id), obstacles=obstacles(standard, groups[standard], states)
        )
        for standard in Standard
        if standard in groups
    ]


def _judge(standard: Standard, states: list[RecordState], server_id: str) -> CheckResult:
    by_state = {kind: [s for s in states if s.state is kind] for kind in State}
    check, proves = f"dns.{standard}", standard.about.proves
    if wrong := by_state[State.WRONG]:
        detail = _told(f"{s.record.name} {s.record.type}: {s.detail}" for s in wrong)
        advice = f"Publish {_told(f'{s.record.name} {s.record.type} {s.instead or s.record.value}' for s in wrong)}"
        worst = CheckState.WARNING if standard is Standard.PTR else CheckState.FAILED
        return CheckResult(check, server_id, worst, proves, detail, advice)
    if missing := by_state[State.MISSING]:
        detail = f"not published yet: {_told(f'{s.record.name} {s.record.type}' for s in missing)}"
        advice = f"Publish {_told(f'{s.record.name} {s.record.type} {s.record.value}' for s in missing)}"
        return CheckResult(check, server_id, CheckState.WARNING, proves, detail, advice)
    if unknown := by_state[State.UNKNOWN]:
        pending = [s for s in unknown if s.record.pending]
        state = CheckState.WARNING if pending else CheckState.NOT_RUN
        detail = _told(f"{s.record.name} {s.record.type}: {s.detail}" for s in unknown)
        return CheckResult(
            check, server_id, state, proves, detail, "Verify again later, or use another resolver (--resolver)."
        )
    said = dict.fromkeys(s.detail for s in states if s.detail)
    detail = f"{len(states)} published" + (f"; {_told(said)}" if said else "")
    return CheckResult(check, server_id, CheckState.PASSED, proves, detail)


def _told(parts: Iterable[str]) -> str:
    texts = list(parts)
    more = f"; and {len(texts) - SHOWN} more: `mailwiz-tui dns PLAN --check`" if len(texts) > SHOWN else ""
    return "; ".join(texts[:SHOWN]) + more
