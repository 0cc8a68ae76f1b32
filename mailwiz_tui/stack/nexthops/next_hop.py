"""Tells whether a next hop answers, with its known certificate.

usage: mailwiz-next-hop NAME HOST PORT smtp|lmtp

Exits with 0 if it does, else prints what is missing. A next hop that has answered once is not asked again until its
certificate changes: a server that is down for a while does not delay the others. Runs on servers, as root.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import re
import smtplib
import ssl
import sys
from dataclasses import dataclass

PEERS = "/etc/mailwiz/internal/peers.pem"
CERTIFICATE = "/etc/mailwiz/internal/cert.pem"
KEY = "/etc/mailwiz/internal/key.pem"
"""The same as in ``layout``, for programs on servers."""
ANSWERED = "/var/lib/mailwiz/next-hops"
"""A file for each next hop that answered, with the digest of its certificate."""
TIMEOUT = 10.0
_CLIENTS: dict[str, type[smtplib.SMTP]] = {"smtp": smtplib.SMTP, "lmtp": smtplib.LMTP}


@dataclass(frozen=True)
class NextHop:
    """A next hop: its id, and its address and port on the private link."""

    name: str
    host: str
    port: int
    protocol: str

    @property
    def mark(self) -> str:
        """The name of the file that marks that it answered."""
        return f"{self.name}-{self.port}"


def known_certificate(name: str, peers: str) -> str:
    """The certificate of a server in the file with all of them; empty if none is known."""
    pem = "-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----"
    found = re.search(rf"(?ms)^# {re.escape(name)}\n({pem})", peers)
    return found[1] if found else ""


def tls(peers: str = PEERS, certificate: str = CERTIFICATE, key: str = KEY) -> ssl.SSLContext:
    """Trusts the certificates of the plan's servers and no authority, and shows this server's own."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile=peers)
    context.load_cert_chain(certificate, key)
    return context


def lacking(hop: NextHop, context: ssl.SSLContext) -> str:
    """Why it does not answer, or with the wrong certificate; empty if all is well."""
    try:
        with _CLIENTS[hop.protocol](hop.host, hop.port, local_hostname="localhost", timeout=TIMEOUT) as client:
            client.starttls(context=context)
            client.noop()
    except ssl.SSLCertVerificationError as error:
        return f"{hop.name} does not show its known certificate: {error.verify_message}"
    except (OSError, smtplib.SMTPException) as error:
        return f"{hop.host}, port {hop.port}: {error}"
    return ""


def answered(hop: NextHop, certificate: str, folder: str = ANSWERED) -> bool:
    """Whether it answered before, with this certificate."""
    try:
        with open(os.path.join(folder, hop.mark), encoding="ascii") as kept:
            return bool(certificate) and kept.read() == _digest(certificate)
    except FileNotFoundError:
        return False


def remember(hop: NextHop, certificate: str, folder: str = ANSWERED) -> None:
    """Store that it answered."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    with open(os.path.join(folder, hop.mark), "w", encoding="ascii") as kept:
        kept.write(_digest(certificate))


def _digest(certificate: str) -> str:
    return hashlib.sha256(certificate.encode()).hexdigest()


def main() -> None:
    """The command; see the module's first lines."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for argument in ("name", "host"):
        parser.add_argument(argument)
    parser.add_argument("port", type=int)
    parser.add_argument("protocol", choices=sorted(_CLIENTS))
    options = parser.parse_args()
    hop = NextHop(options.name, options.host, options.port, options.protocol)
    with open(PEERS, encoding="utf-8") as file:
        certificate = known_certificate(hop.name, file.read())
    if answered(hop, certificate):
        return
    if not certificate:
        sys.exit(f"no certificate of {hop.name} is known on this server")
    if reason := lacking(hop, tls()):
        sys.exit(reason)
    remember(hop, certificate)


if __name__ == "__main__":
    main()
