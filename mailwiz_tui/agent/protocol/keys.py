"""Requests about keys and secrets: made on the server, or brought there; only public halves come back."""

from __future__ import annotations

from dataclasses import dataclass, field

from .codec import Secret
from .request import Request


@dataclass(frozen=True)
class DkimWanted:
    """A DKIM key of so many bits."""

    selector: str
    bits: int


@dataclass(frozen=True)
class TlsWanted:
    """A self-signed certificate for these names, which lasts so many days."""

    names: tuple[str, ...]
    days: int = 397


@dataclass(frozen=True)
class MeshWanted:
    """What the plan's other servers know a server by: its internal name, a WireGuard key, its database clients.

    ``clients`` has the name in the certificate of each program that uses another server's database.
    """

    name: str
    wireguard: bool
    clients: dict[str, str] = field(default_factory=dict)
    further_names: tuple[str, ...] = ()
    """Names in the internal certificate besides ``name``."""


@dataclass(frozen=True)
class DkimPublic:
    """The public half of a DKIM key; ``public_key`` is base64 DER (RFC 6376 section 3.6.1)."""

    selector: str
    algorithm: str
    bits: int
    public_key: str


@dataclass(frozen=True)
class CertificatePublic:
    """What is public of a certificate; fingerprints are SHA-256 in lower-case hex."""

    subject_names: tuple[str, ...]
    not_after: float
    certificate_sha256: str
    spki_sha256: str
    issuer: str
    self_signed: bool
    pem: str


@dataclass(frozen=True)
class MeshPublic:
    """The public halves of what was asked for as ``MeshWanted``; ``wireguard`` is empty where it was not wanted."""

    internal: CertificatePublic
    wireguard: str = ""
    clients: dict[str, CertificatePublic] = field(default_factory=dict)


@dataclass(frozen=True)
class KeysPublic:
    """The public halves of a server's keys."""

    dkim: tuple[DkimPublic, ...] = ()
    tls: CertificatePublic | None = None
    mesh: MeshPublic | None = None


@dataclass(frozen=True)
class PrepareKeys(Request[KeysPublic]):
    """Makes missing keys."""

    dkim: tuple[DkimWanted, ...] = ()
    tls: TlsWanted | None = None
    mesh: MeshWanted | None = None


@dataclass(frozen=True)
class InstallCertificate(Request[None]):
    """Keeps the operator's own certificate with its issuers and key, both PEM, for the next run."""

    chain: str
    private_key: Secret


@dataclass(frozen=True)
class PutSecret(Request[None]):
    """Keeps a secret that the operator gives."""

    name: str
    value: Secret


@dataclass(frozen=True)
class AskMissingSecrets(Request[tuple[str, ...]]):
    """Which of the named secrets are not there yet."""

    names: tuple[str, ...]
