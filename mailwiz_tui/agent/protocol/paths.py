"""Requests about the way from a server to others: ports, echoes, packet sizes, UDP."""

from __future__ import annotations

from dataclasses import dataclass

from .request import Request


@dataclass(frozen=True)
class Place:
    """A port of another server; with ``name`` it must speak TLS and show the pinned certificate of that name."""

    id: str
    address: str
    port: int
    name: str = ""


@dataclass(frozen=True)
class Reached:
    """How a port answered: after how many seconds, or why not; ``refused``: reached, and nothing listens."""

    id: str
    seconds: float
    fault: str = ""
    refused: bool = False


@dataclass(frozen=True)
class ReachPorts(Request[tuple[Reached, ...]]):
    """Whether TCP ports of other servers answer from here."""

    places: tuple[Place, ...]


@dataclass(frozen=True)
class Peer:
    """Another server's address."""

    id: str
    address: str


@dataclass(frozen=True)
class Echo:
    """The best echo time in seconds and the largest packet in bytes; None and 0 where no echo comes back."""

    id: str
    seconds: float | None
    mtu: int = 0


@dataclass(frozen=True)
class MeasurePaths(Request[tuple[Echo, ...]]):
    """How long an echo of other servers takes, and what packet size gets there."""

    peers: tuple[Peer, ...]


@dataclass(frozen=True)
class Listening:
    """Whether a UDP port is answered on now."""

    listening: bool


@dataclass(frozen=True)
class AnswerUdp(Request[Listening]):
    """Answers on a UDP port for a while, for ``KnockUdp`` of other servers; 0 seconds end it."""

    port: int
    seconds: float


@dataclass(frozen=True)
class Knock:
    """Whether a UDP port sent back what it got."""

    id: str
    answered: bool


@dataclass(frozen=True)
class KnockUdp(Request[tuple[Knock, ...]]):
    """Whether UDP ports of other servers answer."""

    places: tuple[Place, ...]
