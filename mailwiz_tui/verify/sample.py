"""The answer of the agent's operation ``monitor`` about a running server, typed and cleaned."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from mailwiz_tui.deploy.sanitize import clean_text
from mailwiz_tui.fleet.account_domains import AccountDrift
from mailwiz_tui.fleet.facts import Disk, Listener

Clean = Annotated[str, BeforeValidator(clean_text)]


HANDSHAKE_OLD = 180.0


class _Told(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class UnitState(_Told):
    """A systemd unit; ``active`` and ``sub`` as systemd names them (``active``, ``running``).

    ``restarts`` counts how often systemd started it again by itself after a crash since somebody started it;
    ``restarted`` is when it last did, in seconds since the epoch, ``cause`` how it had ended (``signal``, …).
    """

    name: Clean
    active: Clean = ""
    sub: Clean = ""
    result: Clean = ""
    restarts: int = 0
    restarted: float = 0.0
    cause: Clean = ""

    @property
    def runs(self) -> bool:
        """Whether it is up."""
        return self.active in ("active", "reloading")

    @property
    def label(self) -> str:
        """Its name without ``.service``."""
        return self.name.removesuffix(".service")


class Queue(_Told):
    """The mail queue; ``oldest`` in seconds since the epoch, ``reason`` is the most frequent reason of deferral."""

    count: int = 0
    deferred: int = 0
    held: int = 0
    oldest: float = 0.0
    reason: Clean = ""


class Certificate(_Told):
    """The certificate in use; its end in seconds since the epoch."""

    not_after: float = 0.0


class Memory(_Told):
    """Bytes of memory."""

    total: int = 0
    available: int = 0


class MailLog(_Told):
    """New lines of the mail log: ``(at, program, text)`` and counts ``(minute, kind, count)``.

    Kinds are ``in``, ``out``, ``rejected``, ``deferred``; ``place`` is the offset to continue at; ``left_out``
    lines were counted but not sent.
    """

    place: Clean = ""
    lines: tuple[tuple[float, Clean, Clean], ...] = ()
    minutes: tuple[tuple[int, Clean, int], ...] = ()
    left_out: int = 0


class Run(_Told):
    """An installation in progress on the server, and who began it (name, controller's id); empty if none."""

    active: Clean = ""
    by: Clean = ""
    controller: Clean = ""


class Peer(_Told):
    """The private link to another server; ``age`` in seconds since a handshake, None where there was none."""

    name: Clean
    age: float | None = None

    @property
    def lives(self) -> bool:
        """Whether the link carries traffic: WireGuard renews the handshake every two minutes."""
        return self.age is not None and self.age <= HANDSHAKE_OLD


class Volume(_Told):
    """The replicated volume in DRBD's words; ``percent`` of a copy under way, else None."""

    connection: Clean = ""
    disk: Clean = ""
    peer_disk: Clean = ""
    percent: float | None = None
    remaining: Clean = ""

    @property
    def complete(self) -> bool:
        """Whether both servers have all of it."""
        return (self.disk, self.peer_disk) == ("UpToDate", "UpToDate")


class Node(_Told):
    """A server of a cluster as another one sees it; ``standby``: it was drained."""

    name: Clean
    online: bool = False
    standby: bool = False
    ready: bool = False


class Cluster(_Told):
    """The cluster as one server (``node``) sees it.

    ``store`` has the mailboxes (empty: no server), ``since`` is when they started there in seconds since the epoch
    (0 where only another server knows), ``failures`` are in Pacemaker's words.
    """

    node: Clean = ""
    quorate: bool = False
    nodes: tuple[Node, ...] = ()
    store: Clean = ""
    since: float = 0.0
    volume: Volume | None = None
    failures: tuple[Clean, ...] = ()


class Sample(_Told):
    """One server at one moment, by its own clock; None is a value that the server could not tell.

    ``plan_drift`` is where the accounts on it and the plan name different domains, as the watcher compared them.
    """

    at: float = 0.0
    load: tuple[float, float, float] = (0.0, 0.0, 0.0)
    cpus: int = 1
    units: tuple[UnitState, ...] | None = None
    listeners: tuple[Listener, ...] | None = None
    queue: Queue | None = None
    bans: dict[Clean, int] | None = None
    certificate: Certificate | None = None
    disks: tuple[Disk, ...] | None = None
    memory: Memory | None = None
    log: MailLog | None = None
    run: Run | None = None
    mesh: tuple[Peer, ...] | None = ()
    account_domains: tuple[Clean, ...] | None = None
    cluster: Cluster | None = None
    plan_drift: AccountDrift = AccountDrift()

    @property
    def banned(self) -> int | None:
        """How many addresses are banned, over all jails."""
        return None if self.bans is None else sum(self.bans.values())

    @property
    def fullest(self) -> Disk | None:
        """The disk with the smallest share of free space."""
        return min(self.disks or (), key=lambda d: d.free / d.total if d.total else 1.0, default=None)

    @property
    def certificate_days(self) -> float | None:
        """Days until the certificate ends, by the server's clock."""
        return (self.certificate.not_after - self.at) / 86400 if self.certificate else None

    @property
    def queue_age(self) -> float:
        """Seconds that the oldest message has been in the queue."""
        return max(0.0, self.at - self.queue.oldest) if self.queue and self.queue.oldest else 0.0

    def missing_ports(self, ports: tuple[tuple[str, int], ...]) -> tuple[int, ...]:
        """Which of these ``(protocol, port)`` have no listener."""
        if self.listeners is None:
            return ()
        heard = {(x.protocol[:3], x.port) for x in self.listeners}
        return tuple(number for protocol, number in ports if (protocol, number) not in heard)
