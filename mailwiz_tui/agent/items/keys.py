"""Keys that are made where they are used: DKIM (RFC 6376), and the server's own for TLS with a certificate to it.

Only public halves are returned. A key that exists is never replaced; a self-signed certificate is made again
when its names differ from those asked for, it ends within 30 days or lasts longer than one made today, with the
same private key. A certificate
of the operator's comes with its key over the connection (``install_certificate``) and waits in a folder of its
own; the script ``serve-certificate`` puts one of them where the daemons read it.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
import ssl
import time
from collections.abc import Sequence

from ..core import files
from ..core.fault import AgentFault
from ..core.host import Host, require
from ..protocol.keys import CertificatePublic, DkimPublic, DkimWanted, KeysPublic, TlsWanted
from . import packages

DKIM_DIR = "/var/lib/rspamd/dkim"
TLS_DIR = "/etc/mailwiz/tls"
OWN_DIR, CUSTOM_DIR = TLS_DIR + "/own", TLS_DIR + "/custom"
_CHAIN, _KEY = "/fullchain.pem", "/privkey.pem"
_RENEW = 30 * 86400.0
_SELECTOR = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z")
_NAME = re.compile(r"[A-Za-z0-9*]([A-Za-z0-9.-]{0,251}[A-Za-z0-9])?\Z")


def prepare(host: Host, dkim: Sequence[DkimWanted], tls: TlsWanted | None) -> KeysPublic:
    """Makes what is missing; returns the public halves.

    Of the certificates it is the one in use where that belongs to the server's own key, else the self-signed one
    that waits to be used.
    """
    if dkim or tls:
        ensure_openssl(host)
    return KeysPublic(
        tuple(_dkim(host, key.selector, key.bits) for key in dkim),
        _tls(host, tls.names, tls.days) if tls else None,
    )


def ensure_openssl(host: Host) -> None:
    """Installs openssl where it is missing."""
    if host.run(["openssl", "version"], timeout=10).ok:
        return
    packages.update(host, lambda line: None)
    done = host.run(
        ["apt-get", "-q", *packages.OPTIONS, "install", "openssl"], timeout=600, env=packages.ENVIRONMENT
    )
    require(done, "openssl cannot be installed", "apt-get", "install the package openssl on the server")


def _dkim(host: Host, selector: str, bits: int) -> DkimPublic:
    where = f"DKIM key {selector}"
    if not _SELECTOR.match(selector) or bits not in (1024, 2048, 4096):
        raise AgentFault(f"selector {selector!r} with {bits} bits is not a valid DKIM key", where)
    path = f"{DKIM_DIR}/{selector}.key"
    if files.look(host, path) is None:
        argv = ["openssl", "genpkey", "-quiet", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{bits}"]
        done = host.run(argv, timeout=120)
        if not done.ok:
            done = host.run([word for word in argv if word != "-quiet"], timeout=120)
        pem = pem_of(require(done, "openssl cannot create a key", where).output, "PRIVATE KEY")
        make_folder(host, DKIM_DIR, 0o755)
        files.write(host, path, pem, 0o600)
    argv = ["openssl", "pkey", "-in", host.path(path), "-pubout"]
    public = der_of(require(host.run(argv), "the key cannot be read", where).output, "PUBLIC KEY")
    text = host.run(["openssl", "pkey", "-in", host.path(path), "-noout", "-text_pub"]).text
    found = re.search(r"\((\d+) bit", text)
    return DkimPublic(selector, "rsa", int(found[1]) if found else bits, base64.b64encode(public).decode())


def install_certificate(host: Host, chain: str, key: str) -> None:
    """Keeps a certificate with its issuers and the key to it, both PEM, for ``serve-certificate`` to use."""
    where = "certificate"
    fullchain = pem_of(chain.encode("ascii", "replace"), "CERTIFICATE", every=True)
    make_folder(host, TLS_DIR, 0o755)
    make_folder(host, CUSTOM_DIR, 0o700)
    done = host.run(["openssl", "pkey"], stdin=key.encode("ascii", "replace"))
    private = pem_of(require(done, "openssl cannot read the private key", where).output, "PRIVATE KEY")
    files.write(host, CUSTOM_DIR + _KEY, private, 0o600)
    files.write(host, CUSTOM_DIR + _CHAIN, fullchain, 0o644)
    found = _certificate(host, CUSTOM_DIR)
    if not found or spki_of_key(host, CUSTOM_DIR + _KEY) != found.spki_sha256:
        raise AgentFault("the certificate does not belong to the private key", where)


def _tls(host: Host, names: tuple[str, ...], days: int) -> CertificatePublic | None:
    for name in names:
        if not _NAME.match(name):
            raise AgentFault(f"{name!r} cannot be a name in a certificate", "certificate")
    make_folder(host, TLS_DIR, 0o755)
    make_folder(host, OWN_DIR, 0o700)
    live = _certificate(host, TLS_DIR)
    if files.look(host, OWN_DIR + _KEY) is None:
        _make_key(host, live)
    found = _certificate(host, OWN_DIR)
    now = time.time()
    in_time = found and now + _RENEW <= found.not_after <= now + (days + 1) * 86400.0
    if not found or found.subject_names != names or not in_time:
        _make_certificate(host, names, days)
        found = _certificate(host, OWN_DIR)
    if live and found and live.spki_sha256 == found.spki_sha256 and not live.self_signed:
        return live
    return found


def _make_key(host: Host, live: CertificatePublic | None) -> None:
    """The server's own key: the one in use if its certificate is self-signed, else a new one."""
    used = files.look(host, TLS_DIR + _KEY)
    if live and live.self_signed and used is not None and used.content:
        files.write(host, OWN_DIR + _KEY, used.content, 0o600)
        files.write(host, OWN_DIR + _CHAIN, live.pem.encode(), 0o644)
        return
    argv = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    done = require(host.run(argv), "openssl cannot create a key", "certificate")
    files.write(host, OWN_DIR + _KEY, pem_of(done.output, "PRIVATE KEY"), 0o600)


def _make_certificate(host: Host, names: tuple[str, ...], days: int) -> None:
    done = host.run([
        "openssl", "req", "-x509", "-new", "-sha256", "-batch", "-days", str(days),
        "-key", host.path(OWN_DIR + _KEY),
        "-subj", f"/CN={names[0][:64]}",
        "-addext", "subjectAltName=" + ",".join(f"DNS:{name}" for name in names),
        "-addext", "basicConstraints=critical,CA:FALSE",
        "-addext", "keyUsage=critical,digitalSignature",
        "-addext", "extendedKeyUsage=serverAuth",
    ])  # fmt: skip
    pem = pem_of(require(done, "openssl cannot create a certificate", "certificate").output, "CERTIFICATE")
    files.write(host, OWN_DIR + _CHAIN, pem, 0o644)


def _certificate(host: Host, folder: str) -> CertificatePublic | None:
    """What is public of the certificate in a folder; None where there is none that can be read."""
    return certificate_at(host, folder + _CHAIN)


def spki_of_key(host: Host, path: str) -> str:
    """The fingerprint of the public half of a private key; empty where it cannot be read."""
    public = host.run(["openssl", "pkey", "-in", host.path(path), "-pubout"])
    return hashlib.sha256(der_of(public.output, "PUBLIC KEY")).hexdigest() if public.ok else ""


def certificate_at(host: Host, where: str) -> CertificatePublic | None:
    """What is public of the certificate in a file; None where there is none that can be read."""
    path = host.path(where)
    try:
        with open(path, "rb") as handle:
            content = handle.read()
        pem = pem_of(content, "CERTIFICATE")
        der = der_of(content, "CERTIFICATE")
        decoded: dict[str, object] = ssl._ssl._test_decode_cert(path)  # type: ignore[attr-defined]  # no public decoder
    except (OSError, AgentFault, ValueError):
        return None
    public = host.run(["openssl", "x509", "-in", path, "-noout", "-pubkey"])
    spki = der_of(public.output, "PUBLIC KEY") if public.ok else b""
    return CertificatePublic(
        tuple(value for kind, value in _pairs(decoded.get("subjectAltName")) if kind == "DNS"),
        float(ssl.cert_time_to_seconds(str(decoded["notAfter"]))),
        hashlib.sha256(der).hexdigest(),
        hashlib.sha256(spki).hexdigest() if spki else "",
        _common_name(decoded.get("issuer")),
        decoded.get("issuer") == decoded.get("subject"),
        pem.decode("ascii"),
    )


def _common_name(name: object) -> str:
    parts = [pair for part in name for pair in _pairs(part)] if isinstance(name, tuple) else []
    return ", ".join(value for key, value in parts if key in ("commonName", "organizationName"))


def _pairs(found: object) -> list[tuple[str, str]]:
    """The pairs in what the decoder gives for a name."""
    return [(str(pair[0]), str(pair[1])) for pair in found] if isinstance(found, tuple) else []


def make_folder(host: Host, path: str, mode: int) -> None:
    """A directory with its mode; one that is there stays as it is."""
    real = host.path(path)
    if not os.path.isdir(real):
        os.makedirs(real, mode=0o755, exist_ok=True)
        os.chmod(real, mode)


def pem_of(output: bytes, kind: str, *, every: bool = False) -> bytes:
    """The first PEM block of a kind in a program's output, or every one."""
    found = re.findall(rf"-----BEGIN {kind}-----\n.*?-----END {kind}-----\n".encode(), output, re.DOTALL)
    if not found:
        raise AgentFault(f"openssl printed no {kind.lower()}", "openssl")
    return b"".join(found) if every else bytes(found[0])


def der_of(output: bytes, kind: str) -> bytes:
    """The first PEM block of a kind, decoded."""
    return base64.b64decode(b"".join(pem_of(output, kind).splitlines()[1:-1]))
