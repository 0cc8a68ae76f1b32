"""The text of a plan file, changed key by key: comments, order, spacing and quotes of the rest stay.

TOML 1.0. The new text is read back; if the layout does not allow single changes (for example keys of one table in
several places), the caller writes the file anew.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit
from tomlkit.container import Container
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, Comment, InlineTable, Item, Key, Null, Table, Whitespace

from mailwiz_tui.plan.raw_values import same
from mailwiz_tui.plan.schema import keys_of

Trivia = list[tuple[Key | None, Item]]
_NAMES = ("id", "name")
"""The keys that identify the entries of a list of tables."""


class UnchangeableError(Exception):
    """A text that cannot be changed in place."""


def changed_text(former: str, values: Mapping[str, Any]) -> str:
    """The former text with only the differing values changed; raises UnchangeableError."""
    try:
        document = tomlkit.parse(former)
        _update(document, values, ())
        text = tomlkit.dumps(document)
        if "\r\n" in former:
            text = text.replace("\r\n", "\n").replace("\n", "\r\n")
        if not same(tomllib.loads(text), dict(values)):
            raise UnchangeableError("it would say something else")
    except (TOMLKitError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
        raise UnchangeableError(str(error)) from error
    return text


def new_text(values: Mapping[str, Any]) -> str:
    """A new text with ``values``, the keys of each table in the order of the models."""
    return tomlkit.dumps(_ordered(values))


def comments_of(text: str) -> list[str]:
    """Every comment of a text, in order; none if it is not TOML."""
    try:
        return _comments(tomlkit.parse(text))
    except (TOMLKitError, ValueError, RecursionError):
        return []


def _update(table: Any, values: Mapping[str, Any], location: tuple[str | int, ...]) -> None:
    for key in [key for key in table if key not in values]:
        table.remove(key) if isinstance(table, Container) else table.__delitem__(key)
    for key in _in_order(values, location):
        value, here = values[key], (*location, key)
        if key not in table:
            _add(table, key, value)
        elif not same(_plain(table[key]), value):
            _change(table, key, value, here)


def _change(table: Any, key: str, value: Any, location: tuple[str | int, ...]) -> None:
    old = table[key]
    if isinstance(old, Mapping) and isinstance(value, Mapping):
        _update(old, value, location)
    elif isinstance(old, AoT) and isinstance(value, list) and value and _are_tables(value):
        _update_tables(old, value, location)
    elif isinstance(old, Array) and isinstance(value, list):
        table[key] = _array(value)
    elif isinstance(old, (Mapping, AoT)) or isinstance(value, Mapping) or _are_tables(value):
        table.remove(key)
        _add(table, key, value)
    else:
        table[key] = value


def _add(table: Any, key: str, value: Any) -> None:
    """Add a key after the last one, before comments that belong to the next table."""
    if isinstance(table, InlineTable):
        table[key] = _inline(value)
        return
    as_table = isinstance(value, Mapping) or (_are_tables(value) and bool(value))
    tail = _take_tail(table, deep=as_table)
    if as_table and _body(table):
        _end_with(_deepest(table), [(None, tomlkit.nl())])
    table.add(key, _ordered(value) if as_table else _array(value) if isinstance(value, list) else value)
    _end_with(_deepest(table) if as_table else table, tail)


def _update_tables(tables: AoT, values: Sequence[Mapping[str, Any]], location: tuple[str | int, ...]) -> None:
    """Change the entries of a list of tables; an entry is identified by its id or name, and keeps its comments."""
    olds = list(tables)
    leads: dict[int, Trivia] = {}
    lead: Trivia = []
    for old in olds:
        leads[id(old)], lead = lead, _take_tail(old, deep=True)
    end, kept, leftover = lead, [], list(olds)
    for index, value in enumerate(values):
        old = _known_again(value, index, values, leftover, olds)
        if old is None:
            old = tomlkit.table()
            leads[id(old)] = [(None, tomlkit.nl())]
        else:
            leftover = [other for other in leftover if other is not old]
        _update(old, value, (*location, index))
        kept.append(old)
    for _ in olds:
        del tables[0]
    for index, entry in enumerate(kept):
        lead = leads[id(entry)]
        if index:
            _end_with(_deepest(kept[index - 1]), lead or [(None, tomlkit.nl())] if entry is olds[0] else lead)
        elif not index and entry is not olds[0]:
            _body(entry)[:0] = [(key, item) for key, item in lead if isinstance(item, Comment)]
        tables.append(entry)
    _end_with(_deepest(kept[-1]), end)


def _known_again(
    value: Mapping[str, Any],
    index: int,
    values: Sequence[Mapping[str, Any]],
    leftover: Sequence[Any],
    olds: Sequence[Any],
) -> Any:
    for old in leftover:
        if any(name in value and old.get(name) == value[name] for name in _NAMES):
            return old
    here = olds[index] if index < len(olds) and any(old is olds[index] for old in leftover) else None
    if here is None or len(values) < len(olds):
        return None
    claimed = any(name in other and here.get(name) == other[name] for other in values for name in _NAMES)
    return None if claimed else here


def _body(table: Any) -> Trivia:
    """The keys and the text between them, in tomlkit's form."""
    body: Trivia = table.body if isinstance(table, Container) else table.value.body
    return body


def _deepest(table: Any) -> Any:
    """The table whose text is the last one."""
    body = [item for _, item in _body(table) if not isinstance(item, Null)]
    last = body[-1] if body else None
    if isinstance(last, AoT) and len(last):
        return _deepest(last[len(last) - 1])
    return _deepest(last) if isinstance(last, Table) else table


def _take_tail(table: Any, *, deep: bool) -> Trivia:
    """Cut off the blank lines and comments after the last key: they belong to the next table."""
    body = _body(_deepest(table) if deep else table)
    at = len(body)
    while at and body[at - 1][0] is None and isinstance(body[at - 1][1], (Whitespace, Comment, Null)):
        at -= 1
    tail = body[at:]
    del body[at:]
    return tail


def _end_with(table: Any, tail: Trivia) -> None:
    _body(table).extend(tail)


def _array(values: Sequence[Any]) -> Any:
    array = tomlkit.array()
    for value in values:
        array.append(_inline(value))
    return array


def _inline(value: Any) -> Any:
    if isinstance(value, Mapping):
        table = tomlkit.inline_table()
        for key, item in value.items():
            table[key] = _inline(item)
        return table
    return _array(value) if isinstance(value, list) else value


def _are_tables(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(entry, Mapping) for entry in value)


def _plain(item: Any) -> Any:
    return item.unwrap() if hasattr(item, "unwrap") else item


def _in_order(values: Mapping[str, Any], location: tuple[str | int, ...]) -> list[str]:
    known = [key for key in keys_of(location) if key in values]
    return [*known, *(key for key in values if key not in known)]


def _ordered(value: Any, location: tuple[str | int, ...] = ()) -> Any:
    """The same values with the keys of each table in the order of the models, unknown ones last."""
    if isinstance(value, Mapping):
        return {key: _ordered(value[key], (*location, key)) for key in _in_order(value, location)}
    if isinstance(value, list):
        return [_ordered(item, (*location, index)) for index, item in enumerate(value)]
    return value


def _comments(table: Any) -> list[str]:
    found = []
    for _, item in _body(table):
        if isinstance(item, (Whitespace, Null)):
            continue
        if isinstance(item, Array):
            found += [line.strip() for line in item.as_string().splitlines() if "#" in line]
        if comment := item.trivia.comment.strip():
            found.append(comment)
        for inner in item if isinstance(item, AoT) else [item] if isinstance(item, Table) else []:
            found += [inner.trivia.comment.strip()] if isinstance(item, AoT) and inner.trivia.comment else []
            found += _comments(inner)
    return found
