"""The plan: every decision the operator takes, and no secret.

The names of the fields are the public interface of the plan file; see ``toml.py`` for reading and
writing it and ``rules.py`` for what no single field can check.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from mailwiz_tui.plan import names


class Architecture(StrEnum):
    """How many servers share the work."""

    SINGLE = "single"
    DISTRIBUTED = "distributed"
    HA_CLUSTER = "ha-cluster"


class Role(StrEnum):
    """What a server does."""

    MX_INBOUND = "mx-inbound"
    MX_OUTBOUND = "mx-outbound"
    MAIL_STORAGE = "mail-storage"
    ANTISPAM = "antispam"
    ALL_IN_ONE = "all-in-one"


class DomainKind(StrEnum):
    """Whether a domain has mailboxes here or is passed on."""

    MAILBOX = "mailbox"
    RELAY = "relay"


class TlsProvider(StrEnum):
    """Where certificates come from."""

    LETSENCRYPT = "letsencrypt"
    CUSTOM = "custom"
    SELFSIGNED = "selfsigned"


class SpfPolicy(StrEnum):
    """What receivers shall think of mail from servers not listed (RFC 7208 section 4.6.2)."""

    STRICT = "strict"
    SOFTFAIL = "softfail"
    NEUTRAL = "neutral"


class DmarcPolicy(StrEnum):
    """What receivers shall do with mail that fails DMARC (RFC 9989)."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


class Antispam(StrEnum):
    """Which filter looks at mail."""

    RSPAMD = "rspamd"
    SPAMASSASSIN = "spamassassin"
    NONE = "none"


class Webmail(StrEnum):
    """Which webmail is served."""

    ROUNDCUBE = "roundcube"
    NONE = "none"


class AdminPanel(StrEnum):
    """Which panel manages accounts in a browser."""

    POSTFIXADMIN = "postfixadmin"
    NONE = "none"


class StorageType(StrEnum):
    """Where mailboxes are kept."""

    MAILDIR = "maildir"
    NFS = "nfs"
    S3 = "s3"


class PrivateNetwork(StrEnum):
    """Who makes the private link that several servers talk over."""

    WIREGUARD = "wireguard"
    EXISTING = "existing"


class Model(BaseModel):
    """Base of all plan models: unknown keys are faults, and values are checked on assignment too."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class PlanServer(Model):
    """A server of the inventory and what it shall do."""

    id: names.ServerId
    roles: list[Role] = Field(default_factory=list)
    internal_ip: names.OptionalIpAddress = ""


class AdditionalDomain(Model):
    """A further domain beside the primary one."""

    name: names.DomainName
    kind: DomainKind = DomainKind.MAILBOX
    relay_host: names.OptionalNextHop = ""


class Domain(Model):
    """The domains served and the name the mail server goes by."""

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
    """Which servers may send for the domains (RFC 7208)."""

    policy: SpfPolicy = SpfPolicy.STRICT
    includes: list[names.SpfDomain] = Field(default_factory=list)


class Dmarc(Model):
    """What receivers do with forgeries, and where they report (RFC 9989, 9990, 9991)."""

    policy: DmarcPolicy = DmarcPolicy.QUARANTINE
    rua: names.OptionalReportAddress = ""
    ruf: names.OptionalReportAddress = ""
    percentage: Annotated[int, Field(ge=0, le=100, strict=True)] = 100
    send_reports: StrictBool = True


class Security(Model):
    """Encryption and sender authentication.

    ``allow_foreign_from``: users may write under addresses of domains that are not served here; such mail is not
    signed. Addresses of served domains always have to be their own.
    ``ssh_hardening``: sshd offers the algorithms that ssh-audit wants only.
    """

    allow_foreign_from: StrictBool = False
    ssh_hardening: StrictBool = False

    tls: Tls = Field(default_factory=Tls)
    dkim: Dkim = Field(default_factory=Dkim)
    spf: Spf = Field(default_factory=Spf)
    dmarc: Dmarc = Field(default_factory=Dmarc)


class Services(Model):
    """What is installed beside Postfix and Dovecot."""

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
        """What is mounted of a file server, as nfs(5) writes it; an IPv6 address stands in brackets."""
        server = f"[{self.nfs_server}]" if ":" in self.nfs_server else self.nfs_server
        return f"{server}:{self.nfs_export}"


class Backup(Model):
    """Where a daily copy goes and how many are kept; none is made while ``target`` is empty."""

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
    """How much, in GB, a mailbox without a quota of its own may hold; 0 for no limit."""
    sent_per_hour: Annotated[int, Field(ge=1, le=1_000_000, strict=True)] = 100
    """To how many recipients one login may send at once, and again each hour; to ten times as many a day."""
    imap_append_mb: Annotated[int, Field(ge=0, le=100_000, strict=True)] = 0
    """The largest message, in MB, that a user may put into a folder over IMAP; 0 for no limit."""


class Cluster(Model):
    """The address clients reach, whichever node serves them."""

    virtual_ip: names.OptionalIpAddress = ""


class Network(Model):
    """The private link between the servers, and what the network around them allows."""

    private: PrivateNetwork = PrivateNetwork.WIREGUARD
    relay_host: names.OptionalNextHop = ""
    relay_user: names.OptionalLogin = ""
    resolvers: list[names.IpAddress] = Field(default_factory=list)


class Plan(Model):
    """Everything the operator decided."""

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
        """The domains whose mail is passed on to a next hop."""
        return [d for d in self.domain.additional_domains if d.kind is DomainKind.RELAY]

    def all_domains(self) -> list[str]:
        """Every domain mail is accepted for, the primary one first."""
        return [self.domain.primary_domain, *(d.name for d in self.domain.additional_domains)]

    def servers_with(self, *roles: Role) -> list[PlanServer]:
        """The servers that hold any of the roles; ``all-in-one`` holds them all."""
        return [s for s in self.servers if Role.ALL_IN_ONE in s.roles or set(roles) & set(s.roles)]

    @property
    def linked(self) -> bool:
        """Whether there are several servers, which talk over a private link."""
        return self.architecture is not Architecture.SINGLE and len(self.servers) > 1

    def dkim_selector(self, server_id: str) -> str:
        """The selector a signing server uses: the plan's own, or with several signers one of its own each."""
        signers = self.servers_with(Role.MX_OUTBOUND)
        if len(signers) <= 1:
            return self.security.dkim.selector
        return f"{self.security.dkim.selector}-{server_id}"
