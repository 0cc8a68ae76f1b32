"""What does not work because a DNS record is not as planned, by RFC and by the practice of large receivers.

Missing MX or addresses: no server can deliver (RFC 5321 section 5.1). Missing SPF, DKIM or reverse names: large
receivers reject mail or mark it as spam. A wrong TLSA record: hosts that verify by DANE do not deliver (RFC 7672
section 2.2). Everything else is recommended.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence

from mailwiz_tui.dns.live import RecordState
from mailwiz_tui.dns.match import State
from mailwiz_tui.dns.record import Record
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.plan.words import listed
from mailwiz_tui.verify.obstacle import Concern, Obstacle

CANNOT_ARRIVE, GOES_ELSEWHERE = "Mail from outside cannot arrive", "Mail from outside goes to another server"
MARKED = "Receivers will reject mail or mark it as spam"
UNANSWERED = {
    Concern.INCOMING: "It is not known whether mail from outside can arrive",
    Concern.OUTGOING: "It is not known whether receivers accept mail",
}
_NEEDED = {
    Standard.MX: Concern.INCOMING,
    Standard.ADDRESS: Concern.INCOMING,
    Standard.SPF: Concern.OUTGOING,
    Standard.DKIM: Concern.OUTGOING,
    Standard.PTR: Concern.OUTGOING,
}
"""What is not known while records of these standards could not be asked; the others are recommended."""
RECOMMENDED = "Recommended"


def obstacles(
    standard: Standard, states: Sequence[RecordState], plan: Sequence[RecordState]
) -> tuple[Obstacle, ...]:
    """What the records of one standard keep from working.

    ``plan`` is every record of the plan: it tells the purpose of a host.
    """
    unanswered = [s for s in states if s.state is State.UNKNOWN and not s.record.pending]
    bad = [s for s in states if not s.fine and s not in unanswered]
    found = list(_RULES[standard](standard, bad, states, plan))
    if concern := _NEEDED.get(standard):
        for state in unanswered:
            subject = f"{standard.about.label or state.record.type} of {_owner(state.record)}"
            found.append(Obstacle(concern, UNANSWERED[concern], subject, "could not be asked"))
    return tuple(found)


def _mx(
    standard: Standard, bad: Sequence[RecordState], states: Sequence[RecordState], plan: Sequence[RecordState]
) -> Iterable[Obstacle]:
    for domain in dict.fromkeys(s.record.name for s in bad):
        subject, here = f"MX of {domain}", [s for s in states if s.record.name == domain]
        faults = [s for s in here if s in bad]
        if len(faults) < len(here):
            hosts = listed(s.record.value.split()[-1].rstrip(".") for s in faults)
            yield Obstacle(Concern.RECOMMENDED, RECOMMENDED, f"{subject} for {hosts}", _fault(faults[0]))
        elif any(s.state is State.WRONG for s in here):
            wrong = next(s for s in here if s.state is State.WRONG)
            yield Obstacle(Concern.INCOMING, GOES_ELSEWHERE, subject, _fault(wrong))
        else:
            yield Obstacle(Concern.INCOMING, CANNOT_ARRIVE, subject, _fault(faults[0]))


def _address(
    standard: Standard, bad: Sequence[RecordState], states: Sequence[RecordState], plan: Sequence[RecordState]
) -> Iterable[Obstacle]:
    receiving = {s.record.value.split()[-1].rstrip(".") for s in plan if s.record.standard is Standard.MX}
    sending = {s.record.value.rstrip(".") for s in plan if s.record.standard is Standard.PTR}
    for state in bad:
        record, here = state.record, [s for s in states if s.record.name == state.record.name]
        subject, other = f"{record.type} of {record.name}", [s for s in here if s.record.type != record.type]
        reached = any(s.fine for s in other)
        if record.name in receiving and not (reached and record.type == "AAAA"):
            effect = GOES_ELSEWHERE if state.state is State.WRONG else CANNOT_ARRIVE
            effect = "Mail from hosts without IPv6 cannot arrive" if reached else effect
            yield Obstacle(Concern.INCOMING, effect, subject, _fault(state))
        elif record.name in sending:
            yield Obstacle(Concern.OUTGOING, MARKED, subject, _fault(state))
        else:
            yield Obstacle(Concern.CLIENTS, f"{record.name} is not found", subject, _fault(state))


def _spf(
    standard: Standard, bad: Sequence[RecordState], states: Sequence[RecordState], plan: Sequence[RecordState]
) -> Iterable[Obstacle]:
    domains = {s.record.name for s in plan if s.record.standard is Standard.MX}
    for state in bad:
        subject = f"SPF of {state.record.name}"
        if state.record.name in domains:
            yield Obstacle(Concern.OUTGOING, MARKED, subject, _fault(state))
        else:
            yield Obstacle(Concern.RECOMMENDED, RECOMMENDED, subject, _fault(state))


def _dkim(
    standard: Standard, bad: Sequence[RecordState], states: Sequence[RecordState], plan: Sequence[RecordState]
) -> Iterable[Obstacle]:
    for state in bad:
        yield Obstacle(Concern.OUTGOING, MARKED, f"DKIM of {_owner(state.record)}", _fault(state))


def _ptr(
    standard: Standard, bad: Sequence[RecordState], states: Sequence[RecordState], plan: Sequence[RecordState]
) -> Iterable[Obstacle]:
    for state in bad:
        fault = _fault(state) if state.record.pending else f"is not {state.record.value.rstrip('.')}"
        subject = f"the reverse name of {_owner(state.record)}"
        yield Obstacle(Concern.OUTGOING, MARKED, subject, fault)


def _tlsa(
    standard: Standard, bad: Sequence[RecordState], states: Sequence[RecordState], plan: Sequence[RecordState]
) -> Iterable[Obstacle]:
    for state in bad:
        subject = f"TLSA of {state.record.name}"
        if state.state is State.WRONG and state.record.name.startswith("_25."):
            effect = "Hosts that verify by DANE do not deliver"
            yield Obstacle(Concern.INCOMING, effect, subject, "is not that of the server's key")
        elif state.state is State.WRONG:
            effect = "Mail programs that verify by DANE do not connect"
            yield Obstacle(Concern.CLIENTS, effect, subject, "lacks a server's key")
        else:
            yield Obstacle(Concern.RECOMMENDED, RECOMMENDED, "TLSA", _fault(state))


def _caa(
    standard: Standard, bad: Sequence[RecordState], states: Sequence[RecordState], plan: Sequence[RecordState]
) -> Iterable[Obstacle]:
    for state in bad:
        if state.state is State.WRONG:
            effect = "The certificate cannot be issued or renewed"
            yield Obstacle(Concern.CLIENTS, effect, f"CAA of {state.record.name}", _fault(state))
        else:
            yield Obstacle(Concern.RECOMMENDED, RECOMMENDED, "CAA", _fault(state))


def _recommended(
    standard: Standard, bad: Sequence[RecordState], states: Sequence[RecordState], plan: Sequence[RecordState]
) -> Iterable[Obstacle]:
    for state in bad:
        fault = "is not as planned" if state.state is State.WRONG else _fault(state)
        yield Obstacle(Concern.RECOMMENDED, RECOMMENDED, standard.about.label, fault)


_Rule = Callable[
    [Standard, Sequence[RecordState], Sequence[RecordState], Sequence[RecordState]], Iterable[Obstacle]
]
_RULES: dict[Standard, _Rule] = {
    Standard.MX: _mx,
    Standard.ADDRESS: _address,
    Standard.SPF: _spf,
    Standard.DKIM: _dkim,
    Standard.PTR: _ptr,
    Standard.TLSA: _tlsa,
    Standard.CAA: _caa,
    Standard.DMARC: _recommended,
    Standard.MTA_STS: _recommended,
    Standard.TLS_RPT: _recommended,
    Standard.SRV: _recommended,
    Standard.AUTOCONFIG: _recommended,
}
"""What the records of each standard keep from working."""


def _fault(state: RecordState) -> str:
    """What is wrong with a record, as ``Obstacle.fault``."""
    if state.state is State.UNKNOWN:
        return f"is not known yet ({state.record.pending})"
    if state.state is State.MISSING:
        return "is not published"
    return f"is not as planned ({state.detail})" if state.detail else "is not as planned"


def _owner(record: Record) -> str:
    """What a record is about: the domain of a key, the address of a reverse name, else the record's name."""
    if record.standard is Standard.DKIM:
        return record.domain
    return _forward(record.name) if record.standard is Standard.PTR else record.name


def _forward(pointer: str) -> str:
    """The address that a reverse name belongs to."""
    labels = pointer.lower().rstrip(".").split(".")
    if labels[-2:] == ["in-addr", "arpa"]:
        return ".".join(reversed(labels[:-2]))
    digits = "".join(reversed(labels[:-2]))
    return str(ipaddress.IPv6Address(int(digits, 16))) if len(digits) == 32 else pointer
