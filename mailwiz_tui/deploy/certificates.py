"""The operator's own certificate on its way to the servers, and the authority behind an ACME server of their own.

The key stays a ``SecretStr`` from the file to the connection; only the public half is kept beside the plan.
"""

from __future__ import annotations

import hashlib
import ssl
import warnings
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError
from pydantic import SecretStr

from mailwiz_tui.fleet.facts import TlsPublic
from mailwiz_tui.plan.findings import Finding, PlanError, Severity
from mailwiz_tui.plan.model import Plan, TlsProvider
from mailwiz_tui.plan.rules.custom_certificate import CERTIFICATE, PRIVATE_KEY, dns_names, examine


@dataclass(frozen=True, slots=True)
class CustomCertificate:
    """A valid certificate: the chain in PEM, its key, and the public part of both."""

    chain: str
    key: SecretStr
    public: TlsPublic


def custom_certificate(plan: Plan, base: Path) -> CustomCertificate | None:
    """The plan's own certificate, read and examined; None with another provider.

    ``base`` is the plan's folder. Raises PlanError with all its faults.
    """
    tls = plan.security.tls
    if tls.provider is not TlsProvider.CUSTOM:
        return None
    chain = _read(base, tls.certificate, CERTIFICATE)
    key = _read(base, tls.private_key, PRIVATE_KEY)
    faults = [f for f in examine(chain, key, plan.domain.hostname) if f.severity is Severity.FAULT]
    if faults:
        raise PlanError(faults)
    certificates = x509.load_pem_x509_certificates(chain)
    text = "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)
    trusted = publicly_trusted(certificates, plan.domain.hostname)
    return CustomCertificate(text, SecretStr(key.decode("ascii", "replace")), _public(certificates[0], trusted))


def acme_authority(plan: Plan, base: Path) -> str:
    """The text of ``acme_ca_file``; empty where the plan names none. Raises PlanError where it cannot be read."""
    tls = plan.security.tls
    if tls.provider is not TlsProvider.LETSENCRYPT or not tls.acme_ca_file:
        return ""
    path = "security.tls.acme_ca_file"
    content = _read(base, tls.acme_ca_file, path)
    try:
        certificates = x509.load_pem_x509_certificates(content)
    except ValueError as error:
        raise PlanError([Finding(path, f"holds no certificate: {error}", advice="the file must be PEM")]) from error
    return "".join(certificate.public_bytes(Encoding.PEM).decode() for certificate in certificates)


def publicly_trusted(certificates: list[x509.Certificate], hostname: str) -> bool:
    """Whether an authority that this machine trusts issued a certificate (RFC 5280 section 6)."""
    paths = ssl.get_default_verify_paths()
    bundle = next((p for p in (paths.cafile, paths.openssl_cafile, _DEBIAN) if p and Path(p).is_file()), None)
    if bundle is None:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # some old roots have odd serial numbers
            store = Store(x509.load_pem_x509_certificates(Path(bundle).read_bytes()))
        verifier = PolicyBuilder().store(store).build_server_verifier(x509.DNSName(hostname))
        verifier.verify(certificates[0], certificates[1:])
    except (VerificationError, ValueError, OSError):
        return False
    return True


_DEBIAN = "/etc/ssl/certs/ca-certificates.crt"


def _public(leaf: x509.Certificate, trusted: bool) -> TlsPublic:
    key = leaf.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return TlsPublic(
        subject_names=tuple(dns_names(leaf)),
        not_after=leaf.not_valid_after_utc.timestamp(),
        certificate_sha256=hashlib.sha256(leaf.public_bytes(Encoding.DER)).hexdigest(),
        spki_sha256=hashlib.sha256(key).hexdigest(),
        issuer=leaf.issuer.rfc4514_string(),
        pem=leaf.public_bytes(Encoding.PEM).decode(),
        trusted=trusted,
    )


def _read(base: Path, name: str, path: str) -> bytes:
    file = base / name
    try:
        if not name:
            raise FileNotFoundError
        return file.read_bytes()
    except FileNotFoundError:
        advice = "paths are relative to the plan"
        raise PlanError(
            [Finding(path, f"there is no file {file}" if name else "is missing", advice=advice)]
        ) from None
    except OSError as error:
        raise PlanError([Finding(path, f"{file} cannot be read: {error.strerror}")]) from error
