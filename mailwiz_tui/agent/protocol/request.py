"""What all requests have in common: a name on the wire, the type of the answer, how an agent carries it out."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import ClassVar, Generic, Self, TypeVar, cast, get_args

from .codec import Json, from_json, to_json

A_co = TypeVar("A_co", covariant=True)


@dataclass(frozen=True)
class Operation:
    """One entry of the agent's table: what it does with a request's arguments; a stream gives an iterator."""

    name: str
    carry_out: Callable[[object], Json | Iterator[Json]]


class Request(Generic[A_co]):
    """A request with one answer of the type ``A_co``. Subclasses are frozen dataclasses of the arguments."""

    operation: ClassVar[str]
    """The name on the wire: that of the class."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.operation = cls.__name__

    @classmethod
    def by(cls, work: Callable[[Self], A_co]) -> Operation:
        """The operation that answers this kind of request with ``work``."""
        return Operation(cls.operation, lambda raw: to_json(work(cls.read(raw))))

    @classmethod
    def read(cls, raw: object) -> Self:
        """The request from its arguments. Raises WireError."""
        return cast("Self", from_json(cls, raw, cls.operation))

    @classmethod
    def answer(cls, raw: object) -> A_co:
        """The answer from JSON. Raises WireError."""
        return cast("A_co", from_json(_answer_of(cls), raw, "the answer"))


class Stream(Generic[A_co]):
    """A request that is answered by any number of items of the type ``A_co``, until it ends or is given up."""

    operation: ClassVar[str]
    """The name on the wire: that of the class."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        cls.operation = cls.__name__

    @classmethod
    def by(cls, work: Callable[[Self], Iterator[A_co | None]]) -> Operation:
        """The operation that answers with ``work``, which gives None where there is nothing to say as yet."""
        return Operation(cls.operation, lambda raw: (to_json(item) for item in work(cls.read(raw))))

    @classmethod
    def read(cls, raw: object) -> Self:
        """The request from its arguments. Raises WireError."""
        return cast("Self", from_json(cls, raw, cls.operation))

    @classmethod
    def item(cls, raw: object) -> A_co:
        """One item from JSON. Raises WireError."""
        return cast("A_co", from_json(_answer_of(cls), raw, "the answer"))


@dataclass(frozen=True)
class Ping(Request[str]):
    """Does the agent still answer?"""


def _answer_of(cls: type) -> object:
    """The ``A_co`` that a subclass names in brackets."""
    bases: tuple[object, ...] = cls.__dict__["__orig_bases__"]
    return next(args[0] for base in bases if (args := get_args(base)))
