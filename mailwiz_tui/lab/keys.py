"""The secrets of a lab: SSH identity, host keys, TSIG key, a certificate authority, the outside's DKIM key.

They protect only a rehearsal, and are 0600 all the same: a lab also tests whether tools handle keys well.
"""

from __future__ import annotations

import base64
import hashlib
import os
import pwd
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from . import machine

TSIG_NAME = "mailwiz-lab."


@dataclass(frozen=True)
class LabPaths:
    """The folder of a lab for its operator: ``~/.local/share/mailwiz-tui/lab-NAME/``."""

    directory: Path

    @property
    def inventory(self) -> Path:
        return self.directory / "inventory.toml"

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    @property
    def identity_file(self) -> Path:
        return self.directory / "identity"

    @property
    def tsig_key(self) -> Path:
        """Key file for DNS updates, for ``nsupdate -k``."""
        return self.directory / "tsig.key"

    @property
    def ca_file(self) -> Path:
        """The lab's certificate authority: it issues for mail.outside.test and for HTTPS of acme.outside.test."""
        return self.directory / "ca.pem"

    @property
    def ca_key(self) -> Path:
        return self.directory / "ca.key"

    @property
    def acme_roots(self) -> Path:
        """The authority that signs what acme.outside.test issues; new with every start of it."""
        return self.directory / "acme-roots.pem"

    @property
    def dkim_key(self) -> Path:
        """Private key of lab._domainkey.outside.test, for tests that send signed mail."""
        return self.directory / "outside-dkim.pem"

    def give_to_operator(self) -> None:
        """Let the user who called sudo own the files: the program that uses them needs no root."""
        owner = _sudo_user()
        if owner is None or not self.directory.is_relative_to(owner.pw_dir):
            return
        home = Path(owner.pw_dir)
        folders = [folder for folder in (self.directory, *self.directory.parents) if home in folder.parents]
        for path in (*self.all(), *folders):
            if path.exists() and path.stat().st_uid == 0:
                os.chown(path, owner.pw_uid, owner.pw_gid)

    def all(self) -> tuple[Path, ...]:
        """List every file the lab writes here, so that ``down`` removes these and nothing of the operator's."""
        identity = self.identity_file
        return (
            self.inventory,
            self.known_hosts,
            identity,
            identity.with_name("identity.pub"),
            self.tsig_key,
            self.ca_file,
            self.ca_key,
            self.acme_roots,
            self.dkim_key,
        )


def operator_data_folder() -> Path:
    """Return the data folder of the calling user, which under sudo is not root."""
    chosen = os.environ.get("XDG_DATA_HOME")
    owner = _sudo_user()
    return Path(chosen) if chosen else (Path(owner.pw_dir) if owner else Path.home()) / ".local/share"


def _sudo_user() -> pwd.struct_passwd | None:
    number = os.environ.get("SUDO_UID", "")
    if os.geteuid() != 0 or not number.isdecimal() or number == "0":
        return None
    try:
        return pwd.getpwuid(int(number))
    except KeyError:
        return None


def ensure(paths: LabPaths) -> None:
    """Create the missing keys."""
    paths.directory.mkdir(parents=True, exist_ok=True)
    if not paths.identity_file.exists():
        key = ed25519.Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.OpenSSH, serialization.NoEncryption()
        )
        machine.write(paths.identity_file.with_name("identity.pub"), public.decode() + " mailwiz-lab\n")
        machine.write(paths.identity_file, private.decode(), 0o600)
    if not paths.tsig_key.exists():
        secret = base64.b64encode(secrets.token_bytes(32)).decode()
        text = f'key "{TSIG_NAME}" {{\n\talgorithm hmac-sha256;\n\tsecret "{secret}";\n}};\n'
        machine.write(paths.tsig_key, text, 0o600)
    if not paths.ca_key.exists() or not paths.ca_file.exists():
        authority = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mailwiz lab authority")])
        builder = _certificate(name, name, authority.public_key(), days=3650)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        builder = builder.add_extension(
            x509.SubjectKeyIdentifier.from_public_key(authority.public_key()), critical=False
        )
        usage = x509.KeyUsage(False, False, False, False, False, True, True, False, False)
        certificate = builder.add_extension(usage, critical=True).sign(authority, hashes.SHA256())
        machine.write(paths.ca_file, certificate.public_bytes(serialization.Encoding.PEM).decode())
        machine.write(paths.ca_key, _pem(authority), 0o600)
    if not paths.dkim_key.exists():
        machine.write(paths.dkim_key, _pem(rsa.generate_private_key(65537, 2048)), 0o600)


def public_identity(paths: LabPaths) -> str:
    return paths.identity_file.with_name("identity.pub").read_text()


def tsig_secret(paths: LabPaths) -> str:
    """Return the TSIG secret in base64."""
    return paths.tsig_key.read_text().split('secret "', 1)[1].split('"', 1)[0]


def dkim_record(paths: LabPaths) -> str:
    """Write the TXT record of the outside domain's DKIM key (RFC 6376), in strings of at most 255 bytes."""
    key = serialization.load_pem_private_key(paths.dkim_key.read_bytes(), None)
    der = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    text = "v=DKIM1; k=rsa; p=" + base64.b64encode(der).decode()
    strings = " ".join(f'"{text[start : start + 250]}"' for start in range(0, len(text), 250))
    return f"lab._domainkey.outside.test. 5 IN TXT {strings}"


@dataclass(frozen=True)
class Server:
    """A server's certificate chain and key in PEM, and the data of its TLSA 3 1 1 record."""

    chain: str
    key: str
    tlsa: str


def issue(paths: LabPaths, *names: str) -> Server:
    """Issue a server certificate by the lab's authority, for DNS names."""
    authority = serialization.load_pem_private_key(paths.ca_key.read_bytes(), None)
    if not isinstance(authority, ec.EllipticCurvePrivateKey):
        raise machine.LabError(f"{paths.ca_key} is not the lab's key; start over: mailwiz-tui lab down, then up")
    root = x509.load_pem_x509_certificate(paths.ca_file.read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    builder = _certificate(subject, root.subject, key.public_key(), days=365)
    builder = builder.add_extension(
        x509.SubjectAlternativeName([x509.DNSName(name) for name in names]), critical=False
    )
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.public_key())
    certificate = builder.add_extension(issuer_key, critical=False).sign(authority, hashes.SHA256())
    public = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    chain = certificate.public_bytes(serialization.Encoding.PEM).decode() + paths.ca_file.read_text()
    return Server(chain, _pem(key), hashlib.sha256(public).hexdigest())


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=days))
    )


def _pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def known_hosts_lines(names: Iterable[str], public_keys: Iterable[str]) -> str:
    """Write the known_hosts lines of one host (sshd(8)): all its names, one line for each of its keys."""
    who = ",".join(names)
    return "".join(f"{who} {' '.join(key.split()[:2])}\n" for key in public_keys)
