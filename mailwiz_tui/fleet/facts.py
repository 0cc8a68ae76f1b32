"""The facts of a server, without secrets: its system, addresses, resources, and public keys.

The agent gathers these in one round trip (``agent/facts/facts.py`` returns the same keys); they are stored
beside the plan in ``PLAN.facts.json`` so that DNS records and blueprints need no connection.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator


class _Facts(BaseModel):
    model_config = ConfigDict(extra="ignore")


class Address(_Facts):
    """An address of an interface; ``prefix`` is the length of its network's prefix, 0 where it is not known."""

    ip: str
    interface: str
    is_global: bool = False
    prefix: int = 0


class Disk(_Facts):
    """A mounted file system; sizes in bytes."""

    mount: str
    total: int
    free: int


class EmptyDisk(_Facts):
    """A block device on which nothing is; ``name`` is its path, ``size`` in bytes."""

    name: str
    size: int


class Listener(_Facts):
    """A listening socket. ``ours``: its unit was started by an installation of this program."""

    protocol: str
    address: str
    port: int
    process: str = ""
    ours: bool = False


class MailSoftware(_Facts):
    """Mail software on a server, and the origin of its configuration.

    ``owner``: ``mailwiz`` (this program), ``package`` (unchanged from Debian) or ``other`` (changed by others).
    """

    name: str
    version: str
    owner: str


class ResolverFact(_Facts):
    """A resolver of the server, and whether it answers and passes DNSSEC signatures on."""

    address: str
    answers: bool = False
    dnssec: bool = False


class MailStore(_Facts):
    """The folder and format of mailboxes of an installation, and whether it has mail."""

    format: str
    path: str
    holds_mail: bool = False


class Facts(_Facts):
    """The present facts of one server. Sizes in bytes, times in seconds since the epoch.

    ``account_domains`` are the mailbox domains of its accounts' database; None without one. ``empty_disks`` is None
    where the server could not tell.
    """

    gathered_at: float = 0.0
    os_id: str = ""
    os_version: str = ""
    codename: str = ""
    os_name: str = ""
    architecture: str = ""
    kernel: str = ""
    virtualization: str = ""
    hostname: str = ""
    fqdn: str = ""
    timezone: str = ""
    addresses: tuple[Address, ...] = ()
    public_ipv4: str = ""
    public_ipv6: str = ""
    cpus: int = 0
    memory_total: int = 0
    memory_available: int = 0
    disks: tuple[Disk, ...] = ()
    clock: float = 0.0
    clock_skew: float = 0.0
    clock_synchronized: bool | None = None
    listeners: tuple[Listener, ...] = ()
    mail_software: tuple[MailSoftware, ...] = ()
    apt_busy: tuple[str, ...] = ()
    privilege: str = ""
    systemd: str = ""
    python: str = ""
    ssh_ports: tuple[int, ...] = ()
    ssh_rsa_bits: int = 0
    outbound_25_ipv4: bool | None = None
    outbound_25_ipv6: bool | None = None
    reboot_pending: bool = False
    resolvers: tuple[ResolverFact, ...] = ()
    recursion: bool | None = None
    recursion_dnssec: bool | None = None
    has_tun: bool = False
    has_fuse: bool = False
    has_wireguard: bool = False
    run_active: str = ""
    installed_digest: str = ""
    mail_store: MailStore | None = None
    account_domains: tuple[str, ...] | None = None
    empty_disks: tuple[EmptyDisk, ...] | None = None


class DkimPublicKey(_Facts):
    """The public half of a DKIM key; ``public_key`` is base64 DER for ``p=`` (RFC 6376 section 3.6.1)."""

    selector: str
    algorithm: str = "rsa"
    bits: int = 0
    public_key: str


class TlsPublic(_Facts):
    """The public part of a certificate; fingerprints are SHA-256 in lower-case hex.

    ``trusted``: an authority that the operator's machine trusts issued it (custom ones only).
    """

    subject_names: tuple[str, ...] = ()
    not_after: float = 0.0
    certificate_sha256: str = ""
    spki_sha256: str = ""
    issuer: str = ""
    pem: str = ""
    trusted: bool = False


class ServerRecord(_Facts):
    """The record of one server.

    ``internal`` is its certificate on the private link between the servers, ``wireguard`` its public key there;
    ``path_mtu`` is the largest packet in bytes on its worst path to another server, 0 if none was smaller or
    tested. ``clients`` are the certificates of its programs that use another server's database, by their names.
    """

    facts: Facts = Field(default_factory=Facts)
    dkim: tuple[DkimPublicKey, ...] = ()
    tls: TlsPublic | None = None
    internal: TlsPublic | None = None
    wireguard: str = ""
    path_mtu: int = 0
    clients: dict[str, TlsPublic] = Field(default_factory=dict)


class FactsFile(_Facts):
    """The content of ``PLAN.facts.json``: the records, by server id.

    ``removed_servers`` are no longer in the plan, and the operator was told. ``custom`` is what is public of the
    plan's own certificate, ``acme_ca`` the text of its ``acme_ca_file``.
    """

    version: int = 1
    servers: dict[str, ServerRecord] = Field(default_factory=dict)
    removed_servers: tuple[str, ...] = ()
    custom: TlsPublic | None = None
    acme_ca: str = ""

    @model_validator(mode="before")
    @classmethod
    def _read_parted(cls, raw: object) -> object:
        """In a file of the version before, the record of a removed server says ``parted`` itself."""
        records = raw.get("servers") if isinstance(raw, dict) else None
        if not isinstance(raw, dict) or not isinstance(records, dict) or "removed_servers" in raw:
            return raw
        told = [
            name for name, record in records.items() if isinstance(record, dict) and record.get("parted") is True
        ]
        return {**raw, "removed_servers": told}

    def members(self) -> tuple[str, ...]:
        """The servers on which keys were created for the plan, without those of which only facts were read."""
        made = (
            (server_id, record.dkim or record.tls or record.internal or record.wireguard)
            for server_id, record in self.servers.items()
        )
        return tuple(server_id for server_id, keys in made if keys)

    def facts(self, server_id: str) -> Facts | None:
        """The facts of a server, or None if they were never read."""
        record = self.servers.get(server_id)
        return record.facts if record else None
