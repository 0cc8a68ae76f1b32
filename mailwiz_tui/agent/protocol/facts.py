"""The request for everything that an installation must know of a server (``fleet.facts`` keeps the same)."""

from __future__ import annotations

from dataclasses import dataclass

from .request import Request


@dataclass(frozen=True)
class Address:
    """An address of an interface; ``prefix`` is the length of its network's prefix, 0 where it is not known."""

    ip: str
    interface: str
    is_global: bool
    prefix: int = 0


@dataclass(frozen=True)
class Disk:
    """A mounted file system; sizes in bytes."""

    mount: str
    total: int
    free: int


@dataclass(frozen=True)
class EmptyDisk:
    """A block device on which nothing is; ``name`` is its path, ``size`` in bytes."""

    name: str
    size: int


@dataclass(frozen=True)
class Listener:
    """A socket that something listens on; ``process`` is empty where it is not ours to see.

    ``ours``: its unit was started by an installation of this program.
    """

    protocol: str
    address: str
    port: int
    process: str = ""
    ours: bool = False


@dataclass(frozen=True)
class MailSoftware:
    """An installed mail package; ``owner`` of its configuration: ``mailwiz``, ``package`` or ``other``."""

    name: str
    version: str
    owner: str


@dataclass(frozen=True)
class ResolverFact:
    """A resolver of the server, and whether it answers and passes DNSSEC signatures on."""

    address: str
    answers: bool
    dnssec: bool


@dataclass(frozen=True)
class MailStore:
    """Where an installation keeps mail, in which format, and whether any lies there."""

    format: str
    path: str
    holds_mail: bool


@dataclass(frozen=True)
class ServerFacts:
    """One server as it is now. Sizes in bytes, times in seconds since the epoch; None where it cannot be told."""

    gathered_at: float
    os_id: str
    os_version: str
    codename: str
    os_name: str
    architecture: str
    kernel: str
    virtualization: str
    hostname: str
    fqdn: str
    timezone: str
    addresses: tuple[Address, ...]
    public_ipv4: str
    public_ipv6: str
    cpus: int
    memory_total: int
    memory_available: int
    disks: tuple[Disk, ...]
    clock: float
    clock_synchronized: bool | None
    listeners: tuple[Listener, ...]
    mail_software: tuple[MailSoftware, ...]
    apt_busy: tuple[str, ...]
    privilege: str
    systemd: str
    python: str
    ssh_ports: tuple[int, ...]
    ssh_rsa_bits: int
    outbound_25_ipv4: bool | None
    outbound_25_ipv6: bool | None
    reboot_pending: bool
    resolvers: tuple[ResolverFact, ...]
    recursion: bool | None
    recursion_dnssec: bool | None
    has_tun: bool
    has_wireguard: bool
    has_fuse: bool
    run_active: str
    installed_digest: str
    mail_store: MailStore | None
    account_domains: tuple[str, ...] | None
    empty_disks: tuple[EmptyDisk, ...] | None


@dataclass(frozen=True)
class AskFacts(Request[ServerFacts]):
    """Everything known of the server."""
