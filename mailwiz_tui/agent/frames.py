"""The wire between controller and agent: a 4-byte length (network order) and that many bytes of JSON.

Requests are ``{"id", "op", "args"}``; answers ``{"id", "ok"}``, ``{"id", "error"}``, and for streams any
number of ``{"id", "item"}`` before the last ``{"id", "ok"}``. ``{"id", "cancel": true}`` ends a stream.
"""

from __future__ import annotations

import json
import struct
import threading
from typing import Any, BinaryIO

MAX_FRAME = 64 << 20
READY = b"MAILWIZ-AGENT-READY 1\n"


def encode(message: dict[str, Any]) -> bytes:
    """A message as bytes for the wire."""
    body = json.dumps(message, ensure_ascii=True, separators=(",", ":")).encode()
    return struct.pack("!I", len(body)) + body


def length(header: bytes) -> int:
    """The length that a 4-byte header announces; ValueError where it is beyond any sense."""
    size = int(struct.unpack("!I", header)[0])
    if size > MAX_FRAME:
        raise ValueError(f"a frame of {size} bytes was announced")
    return size


def read(source: BinaryIO) -> dict[str, Any] | None:
    """The next message, or None at the end of the stream."""
    header = source.read(4)
    if len(header) < 4:
        return None
    size = length(header)
    body = source.read(size)
    if len(body) < size:
        return None
    message = json.loads(body)
    return message if isinstance(message, dict) else None


class Writer:
    """Sends messages of several threads one after another."""

    def __init__(self, sink: BinaryIO) -> None:
        self._sink = sink
        self._lock = threading.Lock()

    def send(self, message: dict[str, Any]) -> None:
        """Sends one message; OSError where nobody listens any more."""
        data = encode(message)
        with self._lock:
            self._sink.write(data)
            self._sink.flush()
