"""Requests about a store that moves: which server has it, how its volume is replicated, who may take it over."""

from __future__ import annotations

from dataclasses import dataclass

from .request import Request


@dataclass(frozen=True)
class VolumeState:
    """DRBD's view of the replicated volume, in its own words; ``percent`` of a copy under way, else None."""

    connection: str
    disk: str
    peer_disk: str
    percent: float | None = None
    remaining: str = ""

    @property
    def complete(self) -> bool:
        """Whether both servers have all of it."""
        return (self.disk, self.peer_disk) == ("UpToDate", "UpToDate")


@dataclass(frozen=True)
class NodeState:
    """One server as the others see it. ``ready``: it may take the store over; ``standby``: it was drained."""

    name: str
    online: bool
    standby: bool
    ready: bool


@dataclass(frozen=True)
class ClusterState:
    """The cluster as one server sees it.

    ``node`` is that server's own name, ``store`` the server with the store (empty: none), ``since`` when it
    started there (seconds since the epoch; 0 where only another server knows), ``failures`` what failed to start or
    stop, in Pacemaker's words.
    """

    node: str
    quorate: bool
    nodes: tuple[NodeState, ...] = ()
    store: str = ""
    since: float = 0.0
    volume: VolumeState | None = None
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class AskCluster(Request[ClusterState]):
    """How the cluster is, seen from this server."""


@dataclass(frozen=True)
class GiveStoreAway(Request[ClusterState]):
    """Moves the store to the other server, if it is here; this one takes it back when it is ready again."""


@dataclass(frozen=True)
class DrainNode(Request[ClusterState]):
    """Moves the store away and stops all that Pacemaker runs here, for work on this server."""


@dataclass(frozen=True)
class ReturnNode(Request[ClusterState]):
    """Lets this server replicate the volume and take the store over again."""


@dataclass(frozen=True)
class CutOff(Request[None]):
    """Drops packets from and to ``peers`` (IP addresses) for ``seconds``, to try what the other servers do then.

    Clients still reach this server. The end comes in time even if the connection is lost.
    """

    peers: tuple[str, ...]
    seconds: float


@dataclass(frozen=True)
class EndCutOff(Request[None]):
    """Ends ``CutOff`` before its time."""
