"""The channel that operations are asked on, and what they share of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from .core.host import Host


@dataclass
class Channel:
    """The host, the lock that lets in one change at a time, and what the channel's end undoes."""

    host: Host
    exclusive: threading.Lock = field(default_factory=threading.Lock)
    at_end: list[Callable[[], object]] = field(default_factory=list)
