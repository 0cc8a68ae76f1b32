"""Three-way merge of plans: changes here and changes of other programs, from a common base.

Entries of lists of tables are identified by their ``id`` or ``name``, so that changes of two servers do not
conflict. If both sides changed the same key, the value here is kept and the conflict is reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mailwiz_tui.plan.raw_values import same


class _Missing:
    """A missing key."""


MISSING = _Missing()
_NAMES = ("id", "name")


@dataclass(frozen=True, slots=True)
class Difference:
    """Two values of one key. ``path`` counts entries of lists like findings; ``label`` names them.

    A missing value is None.
    """

    path: str
    label: str
    former: Any
    now: Any


def merge(
    base: Mapping[str, Any], mine: Mapping[str, Any], theirs: Mapping[str, Any]
) -> tuple[Any, list[Difference]]:
    """The merged values, and conflicts: ``former`` is the other side's value, ``now`` the own one."""
    conflicts: list[Difference] = []
    return _merge(base, mine, theirs, (), (), conflicts), conflicts


def differences(former: Any, now: Any) -> list[Difference]:
    """Every key whose value differs."""
    return list(_differences(former, now, (), ()))


_Where = tuple[str, ...]


def _merge(base: Any, mine: Any, theirs: Any, path: _Where, label: _Where, conflicts: list[Difference]) -> Any:
    if same(mine, theirs) or same(base, theirs):
        return mine
    if same(base, mine):
        return theirs
    if isinstance(mine, Mapping) and isinstance(theirs, Mapping):
        known = base if isinstance(base, Mapping) else {}
        keys = [*mine, *(key for key in theirs if key not in mine)]
        merged = {
            key: _merge(
                known.get(key, MISSING),
                mine.get(key, MISSING),
                theirs.get(key, MISSING),
                (*path, key),
                (*label, key),
                conflicts,
            )
            for key in keys
        }
        return {key: value for key, value in merged.items() if value is not MISSING}
    ours, others, before = _named(mine), _named(theirs), _named(base)
    if ours is not None and others is not None:
        entries: list[Any] = []
        for name in [*ours, *(name for name in others if name not in ours)]:
            entry = _merge(
                (before or {}).get(name, MISSING),
                ours.get(name, MISSING),
                others.get(name, MISSING),
                (*path, str(len(entries))),
                (*label, name),
                conflicts,
            )
            if entry is not MISSING:
                entries.append(entry)
        return entries
    conflicts.append(Difference(".".join(path), ".".join(label), _or_none(theirs), _or_none(mine)))
    return mine


def _differences(former: Any, now: Any, path: _Where, label: _Where) -> Iterator[Difference]:
    if same(former, now):
        return
    if _may_be_table(former) and _may_be_table(now):
        left, right = (value if isinstance(value, Mapping) else {} for value in (former, now))
        for key in [*right, *(key for key in left if key not in right)]:
            yield from _differences(left.get(key, MISSING), right.get(key, MISSING), (*path, key), (*label, key))
        return
    olds, news = _named(former), _named(now)
    if olds and news:
        for name in [*news, *(name for name in olds if name not in news)]:
            index = list(news if name in news else olds).index(name)
            yield from _differences(
                olds.get(name, MISSING), news.get(name, MISSING), (*path, str(index)), (*label, name)
            )
        return
    yield Difference(".".join(path), ".".join(label), _or_none(former), _or_none(now))


def _may_be_table(value: Any) -> bool:
    return isinstance(value, Mapping) or value is MISSING


def _named(value: Any) -> dict[str, Any] | None:
    """The entries of a list of tables by their names; None if they have none."""
    if not isinstance(value, list) or not all(isinstance(entry, Mapping) for entry in value):
        return None
    named: dict[str, Any] = {}
    for entry in value:
        name = next((str(entry[key]) for key in _NAMES if entry.get(key)), "")
        if not name or name in named:
            return None
        named[name] = entry
    return named


def _or_none(value: Any) -> Any:
    return None if value is MISSING else value


def words(value: Any) -> str:
    """A value in a sentence."""
    if value is None:
        return "not set"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {words(item)}" for key, item in value.items()) + "}"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(words(item) for item in value) + "]"
    return str(value) or "empty"
