"""Checks of the operator's own certificate and key, before they are sent to a server.

RFC 5280 (certificates), RFC 9525 (names), RFC 8446 section 4.4.2 (order of the chain). Nothing is returned that
holds the key.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from itertools import pairwise

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import ExtendedKeyUsageOID

from mailwiz_tui.plan.findings import Finding, Severity

CERTIFICATE = "security.tls.certificate"
PRIVATE_KEY = "security.tls.private_key"
CURVES = ("secp256r1", "secp384r1", "secp521r1")
SOON = datetime.timedelta(days=21)
_WEAK_HASHES = ("md5", "sha1", "sha224")


def examine(chain: bytes, key: bytes, hostname: str, now: datetime.datetime | None = None) -> list[Finding]:
    """All faults of a certificate and a key (PEM) for a mail host; empty if there are none."""
    moment = now or datetime.datetime.now(datetime.UTC)
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError as error:
        return [
            Finding(
                CERTIFICATE, f"cannot be read as a certificate: {error}", advice=("the file must be complete PEM")
            )
        ]
    found = [*_leaf(certificates[0], hostname, moment), *_chain(certificates, moment)]
    return [*found, *_key(certificates, key)]


def _key(certificates: Sequence[x509.Certificate], text: bytes) -> Iterator[Finding]:
    try:
        key = serialization.load_pem_private_key(text, None)
    except TypeError:
        yield Finding(
            PRIVATE_KEY,
            "is protected by a passphrase, which servers cannot ask for when they start",
            advice="write a copy without it, readable by you alone: (umask 077; openssl pkey -in KEY -out NEWKEY)",
        )
        return
    except (ValueError, UnsupportedAlgorithm):
        yield Finding(PRIVATE_KEY, "cannot be read as a private key", advice=("the file must be complete PEM"))
        return
    own = _spki(key.public_key())
    matching = [index for index, certificate in enumerate(certificates) if _spki_of(certificate) == own]
    if not matching:
        yield Finding(
            PRIVATE_KEY,
            "does not belong to the certificate",
            advice="use the key that the certificate was requested with",
        )
    elif matching[0] != 0:
        yield Finding(
            CERTIFICATE,
            f"the server's own certificate is number {matching[0] + 1} in the file",
            advice="put it first, then its issuer's certificate, then the next issuer's",
        )


def _leaf(leaf: x509.Certificate, hostname: str, moment: datetime.datetime) -> Iterator[Finding]:
    names = dns_names(leaf)
    wanted = (hostname, f"*.{hostname.partition('.')[2]}")
    if not any(name.lower() in wanted for name in names):
        yield Finding(
            CERTIFICATE,
            f"is not valid for {hostname}: its names are {', '.join(names) or 'none'}",
            advice="get a certificate that has the mail host name as subject alternative name",
        )
    if leaf.not_valid_after_utc <= moment:
        yield Finding(CERTIFICATE, f"expired on {leaf.not_valid_after_utc:%Y-%m-%d}", advice="renew it")
    elif leaf.not_valid_after_utc - moment < SOON:
        yield Finding(
            CERTIFICATE, f"expires on {leaf.not_valid_after_utc:%Y-%m-%d}", Severity.WARNING, "renew it soon"
        )
    if leaf.not_valid_before_utc > moment:
        yield Finding(CERTIFICATE, f"is not valid before {leaf.not_valid_before_utc:%Y-%m-%d %H:%M} UTC")
    if weakness := weak_key(leaf.public_key()):
        yield Finding(
            CERTIFICATE, weakness, advice=("use an ECDSA key on P-256, or an RSA key of 3072 bits or more")
        )
    if _is_authority(leaf):
        yield Finding(
            CERTIFICATE,
            "is a CA certificate, which a server must not use",
            advice="get a server certificate from the CA, and put it first in the file",
        )
    try:
        usages = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except x509.ExtensionNotFound:
        return
    if ExtendedKeyUsageOID.SERVER_AUTH not in usages:
        yield Finding(CERTIFICATE, ("is not valid for servers (its extended key usages lack serverAuth)"))


def _chain(certificates: Sequence[x509.Certificate], moment: datetime.datetime) -> Iterator[Finding]:
    for number, (certificate, issuer) in enumerate(pairwise(certificates), 1):
        try:
            certificate.verify_directly_issued_by(issuer)
        except (ValueError, TypeError, InvalidSignature):
            yield Finding(
                CERTIFICATE,
                f"number {number} in the file was not issued by number {number + 1}",
                advice=("order: the server's certificate, its issuer's, the next issuer's; nothing else"),
            )
        if issuer.not_valid_after_utc <= moment:
            yield Finding(CERTIFICATE, f"the issuer's certificate expired on {issuer.not_valid_after_utc:%Y-%m-%d}")
    for number, certificate in enumerate(certificates, 1):
        root = certificate.issuer == certificate.subject
        algorithm = certificate.signature_hash_algorithm
        if not root and algorithm is not None and algorithm.name in _WEAK_HASHES:
            yield Finding(
                CERTIFICATE, f"number {number} in the file is signed with {algorithm.name}, which is broken"
            )
    first = certificates[0]
    if first.issuer == first.subject:
        yield Finding(
            CERTIFICATE,
            "is self-signed: no mail program trusts it",
            Severity.WARNING,
            ("use a certificate from a CA, or choose selfsigned"),
        )
    elif len(certificates) == 1:
        yield Finding(
            CERTIFICATE,
            "lacks the issuer's certificate, which most programs need to verify it",
            Severity.WARNING,
            "append the intermediate certificates from the CA",
        )


def weak_key(key: PublicKeyTypes) -> str:
    """Why a public key is too weak for a server; empty if it is strong enough."""
    if isinstance(key, rsa.RSAPublicKey):
        return f"has an RSA key of {key.key_size} bits; the minimum is 2048" if key.key_size < 2048 else ""
    if isinstance(key, ec.EllipticCurvePublicKey):
        return (
            ""
            if key.curve.name in CURVES
            else f"has a key on the curve {key.curve.name}, which few programs support"
        )
    return "" if isinstance(key, ed25519.Ed25519PublicKey) else "has a key that is neither ECDSA nor RSA"


def dns_names(certificate: x509.Certificate) -> list[str]:
    """The DNS names that a certificate is for; the common name does not count (RFC 9525 section 2)."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        return False


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _spki_of(certificate: x509.Certificate) -> bytes:
    return _spki(certificate.public_key())
