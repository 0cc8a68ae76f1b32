"""The plan's records against the live DNS, a check for each standard.

What is missing is a warning that says what to publish, for a server works before its DNS is made; what is
there and wrong is a failure, for it makes mail go astray. Reverse DNS is never missing: an address that has
not got the server's name yet has its provider's, so there a wrong name is a warning as well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from mailwiz_tui.dns.live import RecordState, compare
from mailwiz_tui.dns.lookup import ResolverError
from mailwiz_tui.dns.match import State
from mailwiz_tui.dns.record import Record
from mailwiz_tui.verify.dns_consequences import UNANSWERED, obstacles
from mailwiz_tui.verify.obstacle import Concern, Obstacle
from mailwiz_tui.verify.result import CheckResult, CheckState

PROVES = {
    "address": "The mail host's name leads to its addresses.",
    "mx": "Other servers learn that mail for the domains goes to this server.",
    "spf": "Receivers learn which servers send for the domains (SPF).",
    "dkim": "Receivers find the public key that signatures are verified with (DKIM).",
    "dmarc": "Receivers learn what to do with forged mail (DMARC).",
    "mta-sts": "Senders learn that mail to the domains is to be encrypted (MTA-STS).",
    "tls-rpt": "Senders learn where to report failed encryption (TLS-RPT).",
    "tlsa": "Senders can verify the server's certificate by DNS (DANE).",
    "caa": "Only the planned authority may issue certificates for the mail host (CAA).",
    "srv": "Mail programs find the server by the address alone (SRV).",
    "autoconfig": "Mail programs find the server's settings (autoconfig, autodiscover).",
    "ptr": "The server's addresses have its name (reverse DNS).",
}
SHOWN = 3


def standard(record: Record) -> str:
    """The key in ``PROVES`` of the standard a record belongs to."""
    if record.type in ("A", "AAAA"):
        return "address"
    if record.type == "TXT":
        if "._domainkey." in record.name:
            return "dkim"
        if record.value.startswith("v=DMARC1"):
            return "dmarc"
        if record.value.startswith("v=STSv1"):
            return "mta-sts"
        return "tls-rpt" if record.value.startswith("v=TLSRPTv1") else "spf"
    if record.type == "CNAME":
        return "mta-sts" if record.name.startswith("mta-sts.") else "autoconfig"
    if record.type == "SRV":
        return "autoconfig" if record.name.startswith("_autodiscover.") else "srv"
    return record.type.lower()


async def run(records: Sequence[Record], server_id: str, resolver: str | None = None) -> list[CheckResult]:
    """Compare and judge; ``resolver`` as in ``dns.live.compare``."""
    try:
        states = await compare(records, resolver)
    except ResolverError as error:
        unknown = Obstacle(Concern.INCOMING, UNANSWERED[Concern.INCOMING], "the DNS", "could not be asked")
        not_run, proves = CheckState.NOT_RUN, "The DNS can be asked."
        return [CheckResult("dns.resolver", server_id, not_run, proves, str(error), obstacles=(unknown,))]
    return judge(states, server_id)


def judge(states: Sequence[RecordState], server_id: str) -> list[CheckResult]:
    """One result for each standard."""
    groups: dict[str, list[RecordState]] = defaultdict(list)
    for state in states:
        groups[standard(state.record)].append(state)
    return [
        replace(_judge(name, groups[name], server_id), obstacles=obstacles(name, groups[name], states))
        for name in PROVES
        if name in groups
    ]


def _judge(name: str, states: list[RecordState], server_id: str) -> CheckResult:
    by_state = {kind: [s for s in states if s.state is kind] for kind in State}
    check, proves = f"dns.{name}", PROVES[name]
    if wrong := by_state[State.WRONG]:
        detail = _told(f"{s.record.name} {s.record.type}: {s.detail}" for s in wrong)
        advice = f"Publish {_told(f'{s.record.name} {s.record.type} {s.instead or s.record.value}' for s in wrong)}"
        worst = CheckState.WARNING if name == "ptr" else CheckState.FAILED
        return CheckResult(check, server_id, worst, proves, detail, advice)
    if missing := by_state[State.MISSING]:
        detail = f"not published yet: {_told(f'{s.record.name} {s.record.type}' for s in missing)}"
        advice = f"Publish {_told(f'{s.record.name} {s.record.type} {s.record.value}' for s in missing)}"
        return CheckResult(check, server_id, CheckState.WARNING, proves, detail, advice)
    if unknown := by_state[State.UNKNOWN]:
        pending = [s for s in unknown if s.record.pending]
        state = CheckState.WARNING if pending else CheckState.NOT_RUN
        detail = _told(f"{s.record.name} {s.record.type}: {s.detail}" for s in unknown)
        return CheckResult(check, server_id, state, proves, detail, "Verify again later, or name another resolver.")
    said = dict.fromkeys(s.detail for s in states if s.detail)
    detail = f"{len(states)} published" + (f"; {_told(said)}" if said else "")
    return CheckResult(check, server_id, CheckState.PASSED, proves, detail)


def _told(parts: Iterable[str]) -> str:
    texts = list(parts)
    more = f"; and {len(texts) - SHOWN} more: `mailwiz-tui dns PLAN --check`" if len(texts) > SHOWN else ""
    return "; ".join(texts[:SHOWN]) + more
