"""TLS on every port: versions 1.2 and 1.3 only, and the certificate that the server itself reported.

RFC 8996 (no TLS 1.0 and 1.1), RFC 9325 (recommendations), RFC 9525 (names in certificates).
"""

from __future__ import annotations

import hashlib
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from mailwiz_tui.plan.words import counted
from mailwiz_tui.stack.blueprint import Port, PortTls
from mailwiz_tui.verify import legacy_tls, starttls
from mailwiz_tui.verify.check import Check, Failed, NotRun, Warned, plain
from mailwiz_tui.verify.target import Target

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}
OLD_VERSIONS = {"1.0": legacy_tls.TLS_1_0, "1.1": legacy_tls.TLS_1_1}
DAY = 86400
SOON = 14 * DAY


def checks(target: Target) -> list[Check]:
    """TLS versions and certificate of each public TLS port."""
    found: list[Check] = []
    for port in target.tls_ports():
        found += [
            Check(
                f"tls.{port.number}.versions",
                f"Port {port.number} ({port.service}) speaks TLS 1.2 and 1.3 and refuses 1.0 and 1.1.",
                partial(check_versions, target, port),
                "Look at the service's TLS settings and its log; `mailwiz-tui apply` puts the planned ones back.",
            ),
            Check(
                f"tls.{port.number}.certificate",
                f"Port {port.number} ({port.service}) shows the server's own certificate, valid today, for its "
                "name.",
                partial(check_certificate, target, port),
                "Restart the service, so that it reads the certificate again; if that does not help, apply again.",
            ),
        ]
    return found


@contextmanager
def ready(target: Target, port: Port) -> Iterator[socket.socket]:
    """A connection to a port at the point where TLS starts. Raises ``Failed``, ``OSError``."""
    with socket.create_connection(target.at(port.number), timeout=target.seconds) as connection:
        if port.tls is PortTls.STARTTLS:
            starttls.prepare(connection, starttls.PROTOCOLS.get(port.number, port.service))
        yield connection


def check_versions(target: Target, port: Port) -> str:
    """TLS 1.2 and 1.3 work; only then a refusal of the old versions is a proof."""
    for name, version in VERSIONS.items():
        context = _any_certificate()
        context.minimum_version = context.maximum_version = version
        try:
            with (
                ready(target, port) as plain_socket,
                context.wrap_socket(plain_socket, server_hostname=target.hostname),
            ):
                pass
        except ssl.SSLError as error:
            raise Failed(f"expected a handshake with TLS {name}, got: {error.reason or error}") from error
        except ConnectionResetError as error:
            raise Failed(f"expected a handshake with TLS {name}, got a closed connection") from error
    for name, number in OLD_VERSIONS.items():
        with ready(target, port) as plain_socket:
            try:
                taken = legacy_tls.accepted(plain_socket, number, target.hostname)
            except TimeoutError as error:
                raise Warned(f"no answer to TLS {name}: neither refused nor accepted") from error
        if taken:
            raise Failed(f"expected TLS {name} to be refused, and the server accepted it")
    return "TLS 1.2 and 1.3 work, 1.0 and 1.1 are refused"


def check_certificate(target: Target, port: Port) -> str:
    """The certificate is the one reported over SSH, has the server's name, and does not expire soon."""
    if not target.pem:
        raise NotRun("the server has not reported its certificate", "Run prepare or apply first.")
    context = _any_certificate()
    try:
        with (
            ready(target, port) as plain_socket,
            context.wrap_socket(plain_socket, server_hostname=target.hostname) as secured,
        ):
            shown = x509.load_der_x509_certificate(secured.getpeercert(binary_form=True) or b"")
    except ssl.SSLError as error:
        raise Failed(plain(error)) from error
    expected = x509.load_pem_x509_certificate(target.pem.encode())
    if shown != expected:
        same_key = "with the same key" if spki(shown) == spki(expected) else "with another key"
        raise Failed(
            f"expected the certificate {fingerprint(expected)} that the server reported over SSH, "
            f"got {fingerprint(shown)}, {same_key}",
        )
    names = subject_names(shown)
    if not covers(names, target.hostname):
        raise Failed(f"expected the name {target.hostname} in the certificate, got {', '.join(names) or 'none'}")
    left = shown.not_valid_after_utc.timestamp() - time.time()
    if left < 0 or shown.not_valid_before_utc.timestamp() > time.time():
        raise Failed(
            f"expected a certificate valid today, got one valid from {shown.not_valid_before_utc:%Y-%m-%d} "
            f"to {shown.not_valid_after_utc:%Y-%m-%d}"
        )
    if left < SOON:
        raise Warned(f"the certificate expires in {counted(round(left / DAY), 'day')}", "Renew it: apply again.")
    return f"{fingerprint(shown)} for {', '.join(names)}, valid for {counted(round(left / DAY), 'day')}"


def spki(certificate: x509.Certificate) -> str:
    """The SHA-256 of a certificate's public key, in hex, as TLSA ``3 1 1`` has it."""
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(key).hexdigest()


def fingerprint(certificate: x509.Certificate) -> str:
    """The start of a certificate's SHA-256 fingerprint, for display."""
    return "SHA256:" + hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()[:16] + "…"


def subject_names(certificate: x509.Certificate) -> list[str]:
    """The DNS names of a certificate; the common name does not count (RFC 9525 section 2)."""
    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return []
    return extension.value.get_values_for_type(x509.DNSName)


def covers(names: list[str], host: str) -> bool:
    """Whether one of the names is the host's, or a wildcard for its first label (RFC 9525 section 6.3)."""
    wanted = host.lower()
    wildcard = f"*.{wanted.partition('.')[2]}"
    return any(name.lower() in (wanted, wildcard) for name in names)


def _any_certificate() -> ssl.SSLContext:
    """A TLS context that accepts any certificate:

    nothing secret is sent over it, and the caller compares the certificate.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
