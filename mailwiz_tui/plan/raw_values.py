"""Values in the form of the plan file: read and set by dotted paths, converted for TOML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from mailwiz_tui.plan.spec import FieldKind
from mailwiz_tui.plan.steps import field_at


def lookup(raw: Any, path: str) -> Any:
    """The raw value at a dotted path, or None."""
    value = raw
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, list) and part.isascii() and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def put(raw: dict[str, Any], parts: Sequence[str], value: Any) -> None:
    """Set (or with None remove) the value at a path, and create missing tables.

    Raises KeyError for a missing entry of a list.
    """
    parent: Any = raw
    for part in parts[:-1]:
        if isinstance(parent, list):
            parent = parent[_index(part, parent)]
            continue
        if not isinstance(parent.get(part), (dict, list)):
            if value is None:
                return
            parent[part] = {}
        parent = parent[part]
    last = parts[-1]
    if isinstance(parent, list):
        index = _index(last, parent)
        if value is None:
            del parent[index]
        else:
            parent[index] = value
    elif not isinstance(parent, dict):
        raise KeyError(".".join(parts))
    elif value is None:
        parent.pop(last, None)
    else:
        parent[last] = value


def _index(part: str, entries: list[Any]) -> int:
    if not (part.isascii() and part.isdigit() and int(part) < len(entries)):
        raise KeyError(part)
    return int(part)


def same(left: Any, right: Any) -> bool:
    """Whether two values are equal in TOML, where ``1``, ``1.0`` and ``true`` differ."""
    if isinstance(left, Mapping) and isinstance(right, Mapping):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    return type(left) is type(right) and bool(left == right or (left != left and right != right))


def plain(value: object) -> Any:
    """A value for TOML; text without surrounding spaces."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, BaseModel):
        return plain(value.model_dump(mode="json"))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items() if item is not None}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item) for item in value if item is not None]
    if isinstance(value, (str, Path)):
        return str(value).encode("utf-8", "replace").decode().strip()
    return value


def typed(path: str, value: Any) -> Any:
    """Typed text as a number or a boolean, or unchanged if it is neither."""
    field = field_at(path)
    if field is None or not isinstance(value, str) or path != field.path:
        return value
    if isinstance(field.default, bool):
        return {"true": True, "false": False}.get(value.lower(), value)
    if field.kind in (FieldKind.INT, FieldKind.CHOICE) and isinstance(field.default, int):
        return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else value
    if field.kind is FieldKind.LIST:
        return [part.strip() for part in value.split(",") if part.strip()]
    return value
