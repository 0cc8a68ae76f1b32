"""What the modules of operations have in common: the shape of an operation and the channel it is asked on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .core.host import Host

Answer = Any
"""Whatever JSON can say; an iterator is sent as a stream, item by item."""
Operation = Callable[..., Answer]


@dataclass
class Channel:
    """What its operations share: the host, the lock that lets in one change at a time, what its end undoes."""

    host: Host
    exclusive: threading.Lock = field(default_factory=threading.Lock)
    at_end: list[Callable[[], object]] = field(default_factory=list)
