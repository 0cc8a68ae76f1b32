"""Requests for a look at a running server: its units, queue, disks, certificate, and what its mail log gained."""

from __future__ import annotations

from dataclasses import dataclass

from .cluster import ClusterState
from .facts import Disk, Listener
from .request import Request


@dataclass(frozen=True)
class UnitState:
    """A systemd unit; ``active`` and ``sub`` as systemd names them.

    ``restarts`` counts how often systemd started it again by itself, ``restarted`` is when it last did (seconds
    since the epoch), ``cause`` how it had ended.
    """

    name: str
    active: str = ""
    sub: str = ""
    result: str = ""
    restarts: int = 0
    restarted: float = 0.0
    cause: str = ""


@dataclass(frozen=True)
class QueueState:
    """Messages that wait; ``oldest`` in seconds since the epoch, ``reason`` the commonest one for waiting."""

    count: int = 0
    deferred: int = 0
    held: int = 0
    oldest: float = 0.0
    reason: str = ""


@dataclass(frozen=True)
class CertificateEnd:
    """When the certificate in use ends, in seconds since the epoch."""

    not_after: float


@dataclass(frozen=True)
class MemoryState:
    """Bytes of memory."""

    total: int
    available: int


@dataclass(frozen=True)
class LogGain:
    """New lines of the mail log: ``(at, program, text)`` and counts ``(minute, kind, count)``.

    Kinds are ``in``, ``out``, ``rejected``, ``deferred``; ``place`` is the offset to continue at; ``left_out``
    lines were counted but not sent.
    """

    place: str
    lines: tuple[tuple[float, str, str], ...] = ()
    minutes: tuple[tuple[int, str, int], ...] = ()
    left_out: int = 0


@dataclass(frozen=True)
class ActiveRun:
    """An installation in progress and who began it (name, controller's id); empty where there is none."""

    active: str = ""
    by: str = ""
    controller: str = ""


@dataclass(frozen=True)
class Handshake:
    """The private link to another server: seconds since the last handshake, None where there was none."""

    name: str
    age: float | None = None


@dataclass(frozen=True)
class Look:
    """One server at one moment, by its own clock; None is a value that the server could not tell."""

    at: float
    load: tuple[float, float, float] = (0.0, 0.0, 0.0)
    cpus: int = 1
    units: tuple[UnitState, ...] | None = None
    listeners: tuple[Listener, ...] | None = None
    queue: QueueState | None = None
    bans: dict[str, int] | None = None
    certificate: CertificateEnd | None = None
    disks: tuple[Disk, ...] | None = None
    memory: MemoryState | None = None
    log: LogGain | None = None
    run: ActiveRun | None = None
    mesh: tuple[Handshake, ...] | None = ()
    account_domains: tuple[str, ...] | None = None
    cluster: ClusterState | None = None


@dataclass(frozen=True)
class LookAround(Request[Look]):
    """How the running server is, and the mail log since ``place`` (empty: of the last ``since`` seconds).

    At most ``keep`` lines are told. ``peers`` has the public key of each server on the private link, by name.
    ``cluster``: whether the server is one of those among which a store moves.
    """

    units: tuple[str, ...]
    place: str = ""
    since: float = 3600.0
    keep: int = 400
    peers: dict[str, str] | None = None
    cluster: bool = False
