"""What an operator may choose for a drill."""

from __future__ import annotations

from dataclasses import dataclass

RATES = (0.5, 8.0)
"""The fewest and the most messages each second: above that servers defer mail of one client."""


@dataclass(frozen=True, slots=True)
class DrillOptions:
    """``rate`` is in messages a second for all senders together, ``limit`` the longest gap that passes, in seconds.

    ``steady`` is how long mail flows before the store moves, and after each move. ``whole`` and ``delivery`` are
    the most seconds for the cluster to be complete again, and for queues to deliver. ``cut`` is how long the active
    server stays cut off if it does not reset itself. ``timeout`` is that of each answer to a client.
    """

    rate: float = 5.0
    limit: float = 20.0
    steady: float = 10.0
    whole: float = 600.0
    delivery: float = 600.0
    cut: float = 60.0
    timeout: float = 5.0
