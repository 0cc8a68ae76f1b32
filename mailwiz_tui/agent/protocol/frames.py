"""The messages between controller and agent: a 4-byte length (network order) and that many bytes of JSON.

The controller sends ``Call`` and ``Cancel``; the agent answers each call with one ``Answer`` or ``Failure``, for a
stream after any number of ``Item``. ``number`` tells calls that overlap apart.
"""

from __future__ import annotations

import json
import struct
import threading
from dataclasses import dataclass
from typing import BinaryIO, TypeAlias, cast

from .codec import WireError, from_json, to_json

MAX_FRAME = 64 << 20
READY = b"MAILWIZ-AGENT-READY 1\n"


@dataclass(frozen=True)
class Fault:
    """What went wrong, where, and what to do: the one shape of an error on the wire."""

    what: str
    where: str = ""
    advice: str = ""


@dataclass(frozen=True)
class Call:
    """Asks for an operation; ``arguments`` are the fields of its request."""

    number: int
    operation: str
    arguments: object


@dataclass(frozen=True)
class Cancel:
    """Nobody reads the stream any more."""

    number: int


@dataclass(frozen=True)
class Item:
    """One item of a stream."""

    number: int
    item: object


@dataclass(frozen=True)
class Answer:
    """The answer, or the end of a stream."""

    number: int
    answer: object


@dataclass(frozen=True)
class Failure:
    """There is no answer, and why."""

    number: int
    fault: Fault


Message: TypeAlias = Call | Cancel | Item | Answer | Failure
_KINDS: dict[str, type[Message]] = {
    "call": Call, "cancel": Cancel, "item": Item, "answer": Answer, "failure": Failure,
}  # fmt: skip
_NAMES = {kind: name for name, kind in _KINDS.items()}


def encode(message: Message) -> bytes:
    """A message as bytes for the wire."""
    body = json.dumps({_NAMES[type(message)]: to_json(message)}, ensure_ascii=True, separators=(",", ":")).encode()
    return struct.pack("!I", len(body)) + body


def decode(body: bytes) -> Message:
    """A message from the bytes behind its length. Raises ValueError for what is none."""
    found = json.loads(body)
    if not isinstance(found, dict) or len(found) != 1:
        raise WireError("a message is an object with one entry")
    name, fields = next(iter(found.items()))
    if name not in _KINDS:
        raise WireError("there is no message of this kind")
    return cast("Message", from_json(_KINDS[name], fields, str(name)))


def length(header: bytes) -> int:
    """The length that a 4-byte header announces; ValueError where it is beyond any sense."""
    size = int(struct.unpack("!I", header)[0])
    if size > MAX_FRAME:
        raise ValueError(f"a frame of {size} bytes was announced")
    return size


def read(source: BinaryIO) -> Message | None:
    """The next message, or None at the end of the stream. Raises ValueError for what is none."""
    header = source.read(4)
    if len(header) < 4:
        return None
    size = length(header)
    body = source.read(size)
    return decode(body) if len(body) == size else None


class Writer:
    """Sends messages of several threads one after another."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._lock = threading.Lock()

    def send(self, message: Message) -> None:
        """Sends one message; OSError where nobody listens any more."""
        data = encode(message)
        with self._lock:
            self._sink.write(data)
            self._sink.flush()
