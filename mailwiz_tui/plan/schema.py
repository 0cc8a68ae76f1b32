"""The structure of the plan, from its models: the keys of each table, and the right table of a misplaced key."""

from __future__ import annotations

import difflib
import types
from collections.abc import Iterator, Sequence
from enum import Enum
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from mailwiz_tui.plan.model import Plan

Location = Sequence[str | int]


def dotted(location: Location) -> str:
    """The path of a key in the form of findings: ``servers.0.roles``."""
    return ".".join(str(part) for part in location)


def keys_of(location: Location) -> tuple[str, ...]:
    """The valid keys of the table at a location; empty if it is not a table."""
    model = _model_at(location)
    return tuple(model.model_fields) if model else ()


def answers(model: type[BaseModel] = Plan, prefix: str = "") -> Iterator[str]:
    """The path of every key of a plan that is not a table; a list is one answer."""
    for name, field in model.model_fields.items():
        inner, is_list = _model_in(field.annotation)
        if inner and not is_list:
            yield from answers(inner, f"{prefix}{name}.")
        else:
            yield prefix + name


def default_of(path: str) -> Any:
    """The model's default for a key as plain TOML values, or None if an answer is needed."""
    *table, key = path.split(".")
    model = _model_at(table)
    field = model.model_fields.get(key) if model else None
    if field is None:
        return None
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return None
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    return value.value if isinstance(value, Enum) else value


def bounds_of(location: Location) -> tuple[int, int]:
    """The least and the greatest number of a key; each numeric key of the model has both."""
    *table, key = location
    model = _model_at(table)
    rules = model.model_fields[str(key)].metadata if model else []
    least: int = next(rule.ge for rule in rules if hasattr(rule, "ge"))
    most: int = next(rule.le for rule in rules if hasattr(rule, "le"))
    return least, most


def choices_of(location: Location) -> tuple[str, ...]:
    """The values that a key with a closed list of values may have, as text."""
    *table, key = location
    if isinstance(key, int):
        return choices_of(table) if table else ()
    model = _model_at(table)
    field = model.model_fields.get(key) if model else None
    return _choices(field.annotation) if field else ()


def closest(word: str, words: Sequence[str]) -> str:
    """The word most like a mistyped one, or empty."""
    plain = {w.replace("_", "").replace("-", "").lower(): w for w in words}
    found = difflib.get_close_matches(word.replace("_", "").replace("-", "").lower(), list(plain), n=1, cutoff=0.7)
    return plain[found[0]] if found else ""


def homes_of(key: str) -> list[str]:
    """The tables with a key of this name, in the form of the file."""
    return [header for header, name in _all_keys() if name == key]


def table_header(location: Location) -> str:
    """A table in the form of the file: ``[security.tls]``, ``[[servers]]``, or ``the top of the file``."""
    name = dotted([part for part in location if isinstance(part, str)])
    if not name:
        return "the top of the file"
    return f"[[{name}]]" if location and isinstance(location[-1], int) else f"[{name}]"


@cache
def _all_keys() -> tuple[tuple[str, str], ...]:
    return tuple(_walk(Plan, ()))


def _walk(model: type[BaseModel], location: tuple[str | int, ...]) -> Iterator[tuple[str, str]]:
    for name, field in model.model_fields.items():
        yield table_header(location), name
        inner, is_list = _model_in(field.annotation)
        if inner:
            yield from _walk(inner, (*location, name, 0) if is_list else (*location, name))


def _model_at(location: Location) -> type[BaseModel] | None:
    model: type[BaseModel] | None = Plan
    for part in location:
        if model is None:
            return None
        if isinstance(part, int) or part.isdigit():
            continue
        field = model.model_fields.get(part)
        model = _model_in(field.annotation)[0] if field else None
    return model


def _model_in(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    if get_origin(annotation) is list:
        return _model_in(get_args(annotation)[0])[0], True
    return None, False


def _choices(annotation: Any) -> tuple[str, ...]:
    origin = get_origin(annotation)
    if origin is Literal:
        return tuple(str(value) for value in get_args(annotation))
    if origin in (list, Annotated, Union, types.UnionType):
        return _choices(get_args(annotation)[0])
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(member.value) for member in annotation)
    return ()
