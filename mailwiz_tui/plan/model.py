"""The plan: every decision of the operator, and no secret.

The names of the fields are the public interface of the plan file; see ``toml.py`` for reading and
writing it and ``rules.py`` for checks across fields.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from mailwiz_tui.plan import names


class Architecture(StrEnum):
    """One server, several with roles, or a cluster."""

    SINGLE = "single"
    DISTRIBUTED = "distributed"
    HA_CLUSTER = "ha-cluster"


class Role(StrEnum):
    """The role of a server."""

    MX_INBOUND = "mx-inbound"
    MX_OUTBOUND = "mx-outbound"
    MAIL_STORAGE = "mail-storage"
    ANTISPAM = "antispam"
    ALL_IN_ONE = "all-in-one"


class DomainKind(StrEnum):
    """Whether a domain has mailboxes here or is relayed."""

    MAILBOX = "mailbox"
    RELAY = "relay"


class TlsProvider(StrEnum):
    """The provider of certificates."""

    LETSENCRYPT = "letsencrypt"
    CUSTOM = "custom"
    SELFSIGNED = "selfsigned"


class SpfPolicy(StrEnum):
    """The SPF result for mail from servers that are not listed (RFC 7208 section 4.6.2)."""

    STRICT = "strict"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"


class DmarcPolicy(StrEnum):
    """The policy for mail that fails DMARC (RFC 9989)."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


class Antispam(StrEnum):
    """The spam filter."""

    RSPAMD = "rspamd"
    SPAMASSASSIN = "spamassassin"
    NONE = "none"


class Webmail(StrEnum):
    """The webmail."""

    ROUNDCUBE = "roundcube"
    NONE = "none"


class AdminPanel(StrEnum):
    """The admin panel for accounts in a browser."""

    POSTFIXADMIN = "postfixadmin"
    NONE = "none"


class StorageType(StrEnum):
    """Where mailboxes are kept."""

    MAILDIR = "maildir"
    NFS = "nfs"
    S3 = "s3"


class PrivateNetwork(StrEnum):
    """The private link of several servers: WireGuard, or an existing network."""

    WIREGUARD = "wireguard"
    EXISTING = "existing"


class Model(BaseModel):
    """Base of all plan models: unknown keys are faults, and values are checked on assignment too."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class PlanServer(Model):
    """A server of the inventory, and its roles."""

    id: names.ServerId
    roles: list[Role] = Field(default_factory=list)
    internal_ip: names.OptionalIpAddress = ""


class AdditionalDomain(Model):
    """A further domain besides the primary one."""

    name: names.DomainName
    kind: DomainKind = DomainKind.MAILBOX
    relay_host: names.OptionalNextHop = ""


class Domain(Model):
    """The domains, and the mail host name."""

    primary_domain: names.DomainName
    hostname: names.HostName
    additional_domains: list[AdditionalDomain] = Field(default_factory=list)


class Tls(Model):
    """Certificates."""

    provider: TlsProvider = TlsProvider.LETSENCRYPT
    certificate: names.OptionalFilePath = ""
    private_key: names.OptionalFilePath = ""
    acme_email: names.OptionalMailAddress = ""
    acme_directory: names.OptionalHttpsUrl = ""
    acme_ca_file: names.OptionalFilePath = ""
    acme_dns_server: names.OptionalIpAddress = ""
    acme_dns_key: names.OptionalUpdateKey = ""


class Dkim(Model):
    """Signatures on outgoing mail (RFC 6376)."""

    enabled: StrictBool = True
    selector: names.DkimSelector = "mail"
    key_size: Literal[1024, 2048, 4096] = 2048


class Spf(Model):
    """The servers that may send for the domains (RFC 7208)."""

    policy: SpfPolicy = SpfPolicy.STRICT
    includes: list[names.SpfDomain] = Field(default_factory=list)


class Dmarc(Model):
    """The policy for forged mail, and the addresses for reports (RFC 9989, 9990, 9991)."""

    policy: DmarcPolicy = DmarcPolicy.QUARANTINE
    rua: names.OptionalReportAddress = ""
    ruf: names.OptionalReportAddress = ""
    percentage: Annotated[int, Field(ge=0, le=100, strict=True)] = 100
    send_reports: StrictBool = True


class Security(Model):
    """Encryption and sender authentication.

    ``allow_foreign_from``: users may use From addresses of domains that are not served here; such mail is not
    signed. Addresses of served domains must always be their own.
    ``ssh_hardening``: sshd offers only the algorithms that ssh-audit recommends.
    """

    allow_foreign_from: StrictBool = False
    ssh_hardening: StrictBool = False

    tls: Tls = Field(default_factory=Tls)
    dkim: Dkim = Field(default_factory=Dkim)
    spf: Spf = Field(default_factory=Spf)
    dmarc: Dmarc = Field(default_factory=Dmarc)


class Services(Model):
    """Spam filter, virus scanner, webmail and admin panel."""

    antispam: Antispam = Antispam.RSPAMD
    antivirus: StrictBool = False
    clamav_mirror: names.OptionalHttpUrl = ""
    webmail: Webmail = Webmail.NONE
    admin_panel: AdminPanel = AdminPanel.NONE


class Storage(Model):
    """Where mailboxes are kept."""

    type: StorageType = StorageType.MAILDIR
    path: names.AbsolutePath = "/var/vmail"
    nfs_server: names.OptionalHost = ""
    nfs_export: names.OptionalAbsolutePath = ""
    s3_endpoint: names.OptionalHttpUrl = ""
    s3_bucket: names.OptionalBucketName = ""
    s3_region: names.OptionalRegion = ""
    s3_access_key: names.OptionalAccessKey = ""
    s3_after_days: Annotated[int, Field(ge=1, le=3650, strict=True)] = 30

    @property
    def nfs_source(self) -> str:
        """The export of a file server in the form of nfs(5); an IPv6 address is in brackets."""
        server = f"[{self.nfs_server}]" if ":" in self.nfs_server else self.nfs_server
        return f"{server}:{self.nfs_export}"


class Backup(Model):
    """The target of backups and how many are kept; without a ``target`` there is none."""

    target: names.OptionalBackupTarget = ""
    s3_access_key: names.OptionalAccessKey = ""
    s3_region: names.OptionalRegion = ""
    keep_daily: names.KeptCopies = 7
    keep_weekly: names.KeptCopies = 5
    keep_monthly: names.KeptCopies = 12


class Limits(Model):
    """Limits that several programs must agree on; a megabyte is 1024 · 1024 bytes."""

    message_size_mb: Annotated[int, Field(ge=1, le=500, strict=True)] = 50
    """The largest message, in MB, that is accepted by SMTP, with its attachments as they travel (RFC 1870)."""
    mailbox_quota_gb: Annotated[int, Field(ge=0, le=100_000, strict=True)] = 0
    """The quota, in GB, of a mailbox without its own; 0 for no limit."""
    sent_per_hour: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 100
    """Recipients that one login may send to at once, and again each hour; ten times as many a day."""
    imap_append_mb: Annotated[int, Field(ge=0, le=100_000, strict=True)] = 0
    """The largest message, in MB, that a user may save over IMAP (APPEND); 0 for no limit."""


class Cluster(Model):
    """The servers that replace each other, and the addresses for clients, which move with the store.

    The servers with the role ``all-in-one`` hold the mail, all others vote.
    """

    virtual_ip: names.OptionalIpAddress = ""
    """The IPv4 address of the mail hostname."""
    virtual_ipv6: names.OptionalIpAddress = ""
    """Its IPv6 address."""
    witness: names.OptionalServerId = ""
    """The server that votes and holds no mail."""
    device: names.OptionalAbsolutePath = ""
    """The empty block device for mail on each server that holds it; empty for a file of ``size_gb``."""
    size_gb: Annotated[int, Field(ge=1, le=100_000, strict=True)] = 20
    """The size, in GB, of the file for mail, without a ``device``."""


class Network(Model):
    """The private link between the servers, the smart host, and the resolvers."""

    private: PrivateNetwork = PrivateNetwork.WIREGUARD
    relay_host: names.OptionalNextHop = ""
    relay_user: names.OptionalLogin = ""
    resolvers: list[names.IpAddress] = Field(default_factory=list)


class Plan(Model):
    """All decisions of the operator."""

    version: Literal[1] = 1
    architecture: Architecture = Architecture.SINGLE
    servers: list[PlanServer] = Field(default_factory=list)
    domain: Domain
    security: Security = Field(default_factory=Security)
    services: Services = Field(default_factory=Services)
    storage: Storage = Field(default_factory=Storage)
    backup: Backup = Field(default_factory=Backup)
    limits: Limits = Field(default_factory=Limits)
    cluster: Cluster = Field(default_factory=Cluster)
    network: Network = Field(default_factory=Network)

    def mailbox_domains(self) -> list[str]:
        """The domains that have mailboxes here, the primary one first."""
        extra = [d.name for d in self.domain.additional_domains if d.kind is DomainKind.MAILBOX]
        return [self.domain.primary_domain, *extra]

    def relay_domains(self) -> list[AdditionalDomain]:
        """The domains whose mail is relayed to a next hop."""
        return [d for d in self.domain.additional_domains if d.kind is DomainKind.RELAY]

    def all_domains(self) -> list[str]:
        """Every domain mail is accepted for, the primary one first."""
        return [self.domain.primary_domain, *(d.name for d in self.domain.additional_domains)]

    def servers_with(self, *roles: Role) -> list[PlanServer]:
        """The servers with any of the roles; ``all-in-one`` has them all."""
        return [s for s in self.servers if Role.ALL_IN_ONE in s.roles or set(roles) & set(s.roles)]

    @property
    def linked(self) -> bool:
        """Whether there are several servers, with a private link."""
        return self.architecture is not Architecture.SINGLE and len(self.servers) > 1

    def dkim_selector(self, server_id: str) -> str:
        """The selector of a signing server: the plan's, or with several signers one for each."""
        signers = self.servers_with(Role.MX_OUTBOUND)
        if len(signers) <= 1:
            return self.security.dkim.selector
        return f"{self.security.dkim.selector}-{server_id}"
