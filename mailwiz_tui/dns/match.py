"""Compares values of the live DNS with a record of the plan. Pure.

Records of others at the same name are ignored; several records of a standard that allows only one are a fault; a
live record that includes the planned one and more is right.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from mailwiz_tui.dns.record import Record
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.plan.words import counted


class State(StrEnum):
    """The state of a planned record in the live DNS; ``unknown`` means that no server answered."""

    PUBLISHED = "published"
    WRONG = "wrong"
    MISSING = "missing"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Verdict:
    """A state with its text, and for a wrong record the value to publish instead."""

    state: State
    detail: str = ""
    instead: str = ""


def judge(record: Record, wanted: Iterable[str], got: Iterable[str]) -> Verdict:
    """The state of ``record``; ``wanted`` are all planned values of its name and type, ``got`` the live ones."""
    if record.pending:
        return Verdict(State.UNKNOWN, record.pending)
    live = list(got)
    if record.type == "TXT":
        return _txt(record, live)
    mine = normal(record.type, record.value)
    found = {normal(record.type, value): value for value in live}
    if not found:
        return Verdict(State.MISSING)
    planned = {normal(record.type, value) for value in wanted}
    extra = [value for key, value in found.items() if key not in planned]
    if mine not in found:
        return Verdict(State.WRONG, f"expected {record.value}, got {', '.join(sorted(live))}", record.value)
    return _with_extra(record, extra)


def normal(kind: str, value: str) -> str:
    """A value in normal form: lower-case names with a final dot, shortest addresses, single spaces."""
    text = " ".join(value.split())
    if kind in ("A", "AAAA"):
        try:
            return ipaddress.ip_address(text).compressed
        except ValueError:
            return text
    if kind == "CAA":
        flags, _, rest = text.partition(" ")
        tag, _, content = rest.partition(" ")
        return f"{flags} {tag.lower()} {content.strip(chr(34)).strip()}"
    if kind == "TLSA":
        head, digest = text.split()[:3], "".join(text.split()[3:])
        return " ".join([*head, digest.lower()])
    return text.lower().removesuffix(".") + "."


def _with_extra(record: Record, extra: list[str]) -> Verdict:
    if not extra:
        return Verdict(State.PUBLISHED)
    others = ", ".join(sorted(extra))
    if record.type == "MX":
        preference = int(record.value.split()[0])
        before = [value for value in extra if int(value.split()[0]) <= preference]
        if before:
            return Verdict(
                State.WRONG,
                f"mail is also, or first, delivered to {', '.join(before)}: remove that MX record",
                record.value,
            )
        return Verdict(State.PUBLISHED, f"there are further MX records: {others}")
    if record.type in ("A", "AAAA", "PTR", "CNAME"):
        return Verdict(State.WRONG, f"there is another value beside it: {others}; remove that value", record.value)
    if record.type == "CAA" and record.value == '0 issue ";"' and any(" issue " in e for e in extra):
        return Verdict(State.WRONG, f"other records allow a CA: {others}", record.value)
    if record.type == "SRV" and (record.value == "0 0 0 ." or "0 0 0 ." in extra):
        return Verdict(State.WRONG, f"the service is both offered and not offered: {others}", record.value)
    return Verdict(State.PUBLISHED, f"there is also {others}")


def _txt(record: Record, live: list[str]) -> Verdict:
    standard = record.standard
    same = same_standard(record, live)
    if not same:
        return Verdict(State.MISSING)
    if len(same) > 1:
        return Verdict(
            State.WRONG,
            f"{counted(len(same), 'record')} where {standard.about.label} ({standard.about.single}) allows one: "
            f"{' | '.join(sorted(same))}",
            record.value,
        )
    if standard is Standard.SPF:
        return _spf(record.value, same[0])
    planned, found = tags(record.value), tags(same[0])
    if standard is Standard.DKIM:
        planned, found = _key(planned), _key(found)
    if standard is Standard.MTA_STS:
        planned, found = {"id": planned.get("id", "")}, {"id": found.get("id", "")}
    if planned == found:
        return Verdict(State.PUBLISHED)
    differing = sorted(k for k in planned.keys() | found.keys() if planned.get(k) != found.get(k))
    detail = "; ".join(
        f"{key}: expected {_short(planned.get(key))}, got {_short(found.get(key))}" for key in differing
    )
    return Verdict(State.WRONG, detail, record.value)


def same_standard(record: Record, live: Iterable[str]) -> list[str]:
    """The live TXT values of the same standard as the record; others have another purpose."""
    if record.standard is Standard.DKIM:
        return [value for value in live if "p=" in value]
    return [value for value in live if _version(value) == record.standard.about.version]


def tags(text: str) -> dict[str, str]:
    """``a=b; c=d`` as a mapping; white space around and inside values does not count (RFC 6376 section 3.2)."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        key, sign, value = part.partition("=")
        if sign:
            found[key.strip().lower()] = "".join(value.split())
    return found


def merged_spf(planned: str, live: str) -> str:
    """The live SPF record with the plan's mechanisms added before ``all``, which is the plan's."""
    inside = [t for t in live.split()[1:] if _bare(t) != "all" and not t.lower().startswith("redirect=")]
    have = {_bare(t) for t in inside}
    added = [t for t in planned.split()[1:-1] if _bare(t) not in have]
    return " ".join(["v=spf1", *added, *inside, planned.split()[-1]])


def _spf(planned: str, live: str) -> Verdict:
    want, have = planned.lower().split()[1:], live.lower().split()[1:]
    lacking = [t for t in want[:-1] if _bare(t) not in {_bare(h) for h in have if h[0] not in "-~?"}]
    ending = next((h for h in have if _bare(h) == "all"), "no all")
    if lacking or ending != want[-1]:
        faults = [f"lacks {' '.join(lacking)}"] if lacking else []
        if ending != want[-1]:
            faults.append(f"ends in {ending}, expected {want[-1]}")
        return Verdict(State.WRONG, f"{'; '.join(faults)}: got {live}", merged_spf(planned, live))
    further = [t for t in have if _bare(t) not in {_bare(w) for w in want}]
    return Verdict(State.PUBLISHED, f"it lists further senders: {' '.join(further)}" if further else "")


def _bare(term: str) -> str:
    return term.lower().lstrip("+-~?")


def _version(text: str) -> str:
    return text.strip().partition(";")[0].partition(" ")[0].replace(" ", "").lower()


def _key(found: dict[str, str]) -> dict[str, str]:
    return {"k": found.get("k", "rsa").lower(), "p": found.get("p", "")}


def _short(value: str | None) -> str:
    if value is None:
        return "nothing"
    return value if len(value) <= 60 else f"{value[:24]}…{value[-24:]} ({len(value)} characters)"
