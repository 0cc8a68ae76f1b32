"""Between typed values and JSON: dataclasses, tuples, dictionaries and scalars, checked when they are read.

A dataclass with a class variable ``kind`` is written with it, by which a union of such classes is read.
"""

from __future__ import annotations

import dataclasses
import types
from enum import Enum
from functools import cache
from typing import Literal, TypeAlias, TypeVar, Union, cast, get_args, get_origin, get_type_hints

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
Document: TypeAlias = dict[str, object]
"""A JSON object that the wire only carries: an event of a journal."""


class WireError(ValueError):
    """A message is not what its type says; names the field and never its value, which may be secret."""


class Secret:
    """A password or key on the wire: it travels as text and shows itself nowhere."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """The text."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(●●●)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def to_json(value: object) -> Json:
    """A typed value as what JSON can say. Raises TypeError for what has no place on the wire."""
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, Secret):
        return value.reveal()
    if isinstance(value, (list, tuple)):
        return [to_json(entry) for entry in value]
    if isinstance(value, dict):
        return {str(key): to_json(entry) for key, entry in value.items()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        written = {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {**written, "kind": tag} if (tag := _tag(type(value))) else written
    raise TypeError(f"{type(value).__name__} has no form in JSON")


def from_json(kind: object, value: object, where: str = "it") -> object:
    """A value of the type ``kind`` from JSON; ``where`` is its place for errors. Raises WireError.

    Fields with a default may be absent, fields that the type does not have may not be there.
    """
    if kind is object:
        return value
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        return _instance(kind, value, where)
    if get_origin(kind) in (types.UnionType, Union):
        return _one_of(get_args(kind), value, where)
    if get_origin(kind) is Literal:
        return _expect(value, where, value in get_args(kind), f"one of {', '.join(map(str, get_args(kind)))}")
    if get_origin(kind) is tuple:
        return _tuple(get_args(kind), value, where)
    if get_origin(kind) is dict:
        _expect(value, where, isinstance(value, dict), "an object")
        inner = get_args(kind)[1]
        entries = value.items() if isinstance(value, dict) else ()
        return {str(key): from_json(inner, entry, f"{where}.{key}") for key, entry in entries}
    return _scalar(kind, value, where)


T = TypeVar("T")


def read_tuple(kind: type[T], value: object) -> tuple[T, ...]:
    """A list of values of one type from JSON. Raises WireError."""
    return cast("tuple[T, ...]", _tuple((kind, Ellipsis), value, "it"))


def _scalar(kind: object, value: object, where: str) -> object:
    if kind is type(None):
        return _expect(value, where, value is None, "nothing")
    if kind is Secret:
        return Secret(str(_expect(value, where, isinstance(value, str), "a text")))
    if kind is float:
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        return float(str(_expect(value, where, number, "a number")))
    if kind is int:
        return _expect(value, where, isinstance(value, int) and not isinstance(value, bool), "a whole number")
    if kind is bool:
        return _expect(value, where, isinstance(value, bool), "true or false")
    if kind is str:
        return _expect(value, where, isinstance(value, str), "a text")
    if isinstance(kind, type) and issubclass(kind, Enum):
        known = [member.value for member in kind]
        return kind(_expect(value, where, value in known, f"one of {', '.join(map(str, known))}"))
    raise TypeError(f"{kind} has no form in JSON")


def _expect(value: object, where: str, fits: bool, wanted: str) -> object:
    if not fits:
        raise WireError(f"{where} should be {wanted} and is {_word(value)}")
    return value


def _word(value: object) -> str:
    names = {"NoneType": "nothing", "bool": "true or false", "int": "a whole number", "float": "a number",
             "str": "another text or a text", "list": "a list", "dict": "an object"}  # fmt: skip
    return names.get(type(value).__name__, type(value).__name__)


def _one_of(kinds: tuple[object, ...], value: object, where: str) -> object:
    if value is None and type(None) in kinds:
        return None
    if tagged := {_tag(kind): kind for kind in kinds if isinstance(kind, type) and _tag(kind)}:
        tag = str(value.get("kind", "")) if isinstance(value, dict) else ""
        _expect(value, where, tag in tagged, f"an object of the kind {', '.join(tagged)}")
        return from_json(tagged[tag], value, where)
    errors = []
    for kind in kinds:
        try:
            return from_json(kind, value, where)
        except WireError as error:
            errors.append(error)
    raise errors[0]


def _tuple(kinds: tuple[object, ...], value: object, where: str) -> object:
    if not isinstance(value, list):
        raise WireError(f"{where} should be a list and is {_word(value)}")
    if kinds[-1] is Ellipsis:
        kinds = (kinds[0],) * len(value)
    if len(kinds) != len(value):
        raise WireError(f"{where} should have {len(kinds)} entries and has {len(value)}")
    pairs = enumerate(zip(kinds, value, strict=True))
    return tuple(from_json(kind, entry, f"{where}[{index}]") for index, (kind, entry) in pairs)


def _instance(kind: type, value: object, where: str) -> object:
    if not isinstance(value, dict):
        raise WireError(f"{where} should be an object and is {_word(value)}")
    known, needed = _fields(kind)
    if tag := _tag(kind):
        _expect(value, where, value.get("kind", tag) == tag, f"of the kind {tag}")
        value = {name: entry for name, entry in value.items() if name != "kind"}
    if strange := [str(name) for name in value if name not in known]:
        raise WireError(f"{where} has {', '.join(strange)}, which {kind.__name__} does not know")
    if missing := [name for name in needed if name not in value]:
        raise WireError(f"{where} lacks {', '.join(missing)}")
    return kind(**{name: from_json(known[name], entry, f"{where}.{name}") for name, entry in value.items()})


@cache
def _tag(kind: type) -> str:
    """The ``kind`` by which a class is told from the others of a union; empty where it has none."""
    tag = getattr(kind, "kind", "")
    return tag if isinstance(tag, str) and dataclasses.is_dataclass(kind) and "kind" not in _fields(kind)[0] else ""


@cache
def _fields(kind: type) -> tuple[dict[str, object], tuple[str, ...]]:
    """The types of a dataclass's fields by name, and the names of those that have no default."""
    hints = get_type_hints(kind)
    fields = dataclasses.fields(kind)
    needed = (f.name for f in fields if f.default is f.default_factory is dataclasses.MISSING)
    return {f.name: hints[f.name] for f in fields}, tuple(needed)
