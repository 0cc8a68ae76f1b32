"""A server's identity for the plan's other servers: its WireGuard key, and its internal certificate.

Both private keys are made here, once, and stay here; the public halves are returned. The certificate is signed by
its own key: the others trust exactly the certificates in ``peers.pem``, no authority. It is
made again, with the same key, when the name differs or it ends within a year.
"""

from __future__ import annotations

import base64
import re
import time

from ..core import files
from ..core.fault import AgentFault
from ..core.host import Host, require
from ..protocol.keys import CertificatePublic, MeshPublic, MeshWanted
from . import keys

INTERNAL_DIR = "/etc/mailwiz/internal"
MESH_DIR = "/etc/mailwiz/mesh"
_CERT, _KEY, _IDENTITY = INTERNAL_DIR + "/cert.pem", INTERNAL_DIR + "/key.pem", INTERNAL_DIR + "/identity.pem"
_MESH_KEY = MESH_DIR + "/private.key"
_DAYS, _RENEW = 3650, 365 * 86400.0
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?\Z")


def prepare(host: Host, wanted: MeshWanted) -> MeshPublic:
    """Makes what is missing; returns the public halves."""
    keys.ensure_openssl(host)
    return MeshPublic(
        internal(host, wanted.name, *wanted.further_names),
        wireguard(host) if wanted.wireguard else "",
        {program: client(host, program, name) for program, name in wanted.clients.items()},
    )


def internal(host: Host, name: str, *further: str) -> CertificatePublic:
    """The certificate for the server's internal names; what is public of it, as ``TlsPublic`` names it."""
    found = _certified(host, (name, *further), _CERT, _KEY)
    both = _content(host, _CERT) + _content(host, _KEY)
    present = files.look(host, _IDENTITY)
    if present is None or present.content != both or present.mode != 0o600:
        files.write(host, _IDENTITY, both, 0o600)
    return found


def client(host: Host, program: str, name: str) -> CertificatePublic:
    """The certificate of a program that uses another server's database, which its key alone opens to it."""
    if not _NAME.match(program):
        raise AgentFault(f"{program!r} is not a valid program name", "internal certificate")
    return _certified(host, (name,), f"{INTERNAL_DIR}/{program}-cert.pem", f"{INTERNAL_DIR}/{program}-key.pem")


def _certified(host: Host, names: tuple[str, ...], cert: str, key: str) -> CertificatePublic:
    """What is public of a certificate, made where it is missing, ends soon or does not fit its names or its key."""
    where = "internal certificate"
    for name in names:
        if not _NAME.match(name):
            raise AgentFault(f"{name!r} cannot be a name in a certificate", where)
    keys.make_folder(host, INTERNAL_DIR, 0o755)
    if files.look(host, key) is None:
        argv = ["openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
        done = require(host.run(argv), "openssl cannot create a key", where)
        files.write(host, key, keys.pem_of(done.output, "PRIVATE KEY"), 0o600)
    found = keys.certificate_at(host, cert)
    if not found or found.subject_names != names or found.not_after < time.time() + _RENEW:
        files.write(host, cert, _sign(host, names, key), 0o644)
        found = keys.certificate_at(host, cert)
    if not found or found.spki_sha256 != keys.spki_of_key(host, key):
        files.write(host, cert, _sign(host, names, key), 0o644)
        found = keys.certificate_at(host, cert)
    if not found:
        raise AgentFault("the certificate from openssl cannot be read", where)
    return found


def wireguard(host: Host) -> str:
    """The public key of the server on the private link, in base64 as wg(8) wants it."""
    where = "WireGuard key"
    keys.make_folder(host, MESH_DIR, 0o700)
    present = files.look(host, _MESH_KEY)
    if present is None or len(_raw(present.content or b"")) != 32:
        done = require(
            host.run(["openssl", "genpkey", "-algorithm", "X25519"]), "openssl cannot create a key", where
        )
        private = keys.der_of(done.output, "PRIVATE KEY")[-32:]
        files.write(host, _MESH_KEY, base64.b64encode(private) + b"\n", 0o600)
    private = _raw(_content(host, _MESH_KEY))
    der = bytes.fromhex("302e020100300506032b656e04220420") + private
    pem = b"-----BEGIN PRIVATE KEY-----\n" + base64.b64encode(der) + b"\n-----END PRIVATE KEY-----\n"
    done = require(host.run(["openssl", "pkey", "-pubout"], stdin=pem), "the key cannot be read", where)
    return base64.b64encode(keys.der_of(done.output, "PUBLIC KEY")[-32:]).decode()


def _sign(host: Host, names: tuple[str, ...], key: str) -> bytes:
    done = host.run([
        "openssl", "req", "-x509", "-new", "-sha256", "-batch", "-days", str(_DAYS),
        "-key", host.path(key),
        "-subj", f"/CN={names[0]}",
        "-addext", f"subjectAltName={','.join(f'DNS:{name}' for name in names)}",
        "-addext", "basicConstraints=critical,CA:FALSE",
        "-addext", "keyUsage=critical,digitalSignature",
        "-addext", "extendedKeyUsage=serverAuth,clientAuth",
    ])  # fmt: skip
    return keys.pem_of(
        require(done, "openssl cannot create a certificate", "internal certificate").output, "CERTIFICATE"
    )


def _raw(text: bytes) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError:
        return b""


def _content(host: Host, path: str) -> bytes:
    with open(host.path(path), "rb") as handle:
        return handle.read()
