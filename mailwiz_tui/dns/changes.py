"""The changes of the live DNS that publish the plan's records. Pure; ``publish`` sends them.

Only the plan's own records are removed: former values at names that exist for the mail host alone, and former
records of a standard that allows only one. All other records stay.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from mailwiz_tui.dns.live import RecordState
from mailwiz_tui.dns.match import State, normal, same_standard
from mailwiz_tui.dns.record import Record

REPLACED = frozenset({"A", "AAAA", "CNAME", "SRV", "PTR", "CAA"})
"""Types whose other values at the plan's own names are removed; TLSA values stay, for key rollovers."""


@dataclass(frozen=True, slots=True)
class Change:
    """Values to remove and to add at one name and type; TXT as plain text, unquoted; ``ttl`` in seconds."""

    name: str
    type: str
    ttl: int
    remove: tuple[str, ...]
    add: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Left:
    """A record that is not published, and why."""

    record: Record
    reason: str


def changes(
    states: Sequence[RecordState], *, replace_mx: bool = False, own: Collection[str] = ()
) -> tuple[list[Change], list[Left]]:
    """The changes, and the records that cannot be published now.

    MX records of other servers receive a domain's mail until now; they are removed only with ``replace_mx``.
    ``own`` are names, each with a final dot, that received mail for this plan before; these are not other servers.
    """
    groups: dict[tuple[str, str], list[RecordState]] = defaultdict(list)
    left: list[Left] = []
    for state in states:
        if state.record.pending:
            left.append(Left(state.record, state.record.pending))
        elif state.state is State.UNKNOWN:
            left.append(Left(state.record, state.detail or "no server answered for it"))
        else:
            groups[state.record.name, state.record.type].append(state)
    found: list[Change] = []
    for (name, kind), group in groups.items():
        if all(state.fine for state in group):
            continue
        if kind == "TXT":
            remove, add = _txt(group)
        else:
            remove, add = _values(kind, group)
        foreign = [value for value in remove if value.split()[-1].lower() not in own]
        if kind == "MX" and foreign and not replace_mx:
            others = ", ".join(foreign)
            left.extend(
                Left(s.record, f"other servers receive the mail now ({others})") for s in group if not s.fine
            )
            continue
        if remove or add:
            found.append(Change(name, kind, group[0].record.ttl, remove, add))
    return found, left


def _values(kind: str, group: list[RecordState]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    planned = {normal(kind, state.record.value): state.record.value for state in group}
    live = {normal(kind, value): value for value in group[0].got}
    remove = [value for key, value in live.items() if key not in planned] if kind in REPLACED | {"MX"} else []
    return tuple(remove), tuple(value for key, value in planned.items() if key not in live)


def _txt(group: list[RecordState]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    remove: list[str] = []
    add: list[str] = []
    for state in group:
        if state.fine:
            continue
        remove += same_standard(state.record, state.got)
        add.append(state.instead or state.record.value)
    return tuple(remove), tuple(add)
