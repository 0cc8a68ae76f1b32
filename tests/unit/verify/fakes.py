"""Small mail servers in this process that behave well, or are broken in just one way."""

from __future__ import annotations

import base64
import datetime
import re
import socketserver
import ssl
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "mail.example.test"
DOMAIN = "example.test"
PROBE = f"mailwiz-probe@{DOMAIN}"
PASSWORD = "correct-horse-battery"


@dataclass(frozen=True)
class Certificate:
    """A self-signed certificate with its key, in files; ``pem`` is the certificate alone."""

    cert: Path
    key: Path
    pem: str

    def context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.cert, self.key)
        return context


def certificate(folder: Path, name: str = HOST, *, days: float = 90, started: float = 1) -> Certificate:
    """A new P-256 certificate for ``name``, valid since ``started`` days and for ``days`` more."""
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.datetime.now(datetime.UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=started))
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(parents=True, exist_ok=True)
    pem = made.public_bytes(serialization.Encoding.PEM).decode()
    (folder / "cert.pem").write_text(pem)
    (folder / "key.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return Certificate(folder / "cert.pem", folder / "key.pem", pem)


@dataclass
class Store:
    """The mails that were delivered, by folder."""

    mails: list[tuple[str, bytes]] = field(default_factory=list)

    def folder(self, name: str) -> list[bytes]:
        return [raw for folder, raw in self.mails if folder == name]


class Served:
    """A server in a thread, on a port of its own, until it is closed."""

    def __init__(self, handler: Callable[[Any], None], tls: ssl.SSLContext | None = None) -> None:
        outer_tls = tls

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                connection = self.request
                connection.settimeout(5)
                try:
                    if outer_tls:
                        connection = outer_tls.wrap_socket(connection, server_side=True)
                    handler(connection)
                except (OSError, ValueError):
                    pass

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            allow_reuse_address = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Lines:
    """A connection read and written by lines, that can turn to TLS."""

    def __init__(self, connection: Any) -> None:
        self.connection = connection
        self.file = connection.makefile("rb")

    def raw(self) -> bytes:
        raw = bytes(self.file.readline())
        if not raw:
            raise OSError("closed")
        return raw

    def read(self) -> str:
        return self.raw().decode().rstrip("\r\n")

    def write(self, *lines: str) -> None:
        self.connection.sendall("".join(f"{line}\r\n" for line in lines).encode())

    def start_tls(self, context: ssl.SSLContext) -> None:
        self.file.close()
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.file = self.connection.makefile("rb")


@dataclass
class Smtp:
    """An SMTP server; the defaults are right, each field breaks it in one way.

    ``submission`` makes it want a login. ``sign`` turns a mail into a signed one before delivery.
    """

    tls: ssl.SSLContext
    store: Store = field(default_factory=Store)
    name: str = HOST
    implicit: bool = False
    submission: bool = False
    starttls: bool = True
    auth_before_tls: bool = False
    auth_after_tls: bool = False
    clear_login_read: bool = False
    vrfy: str = "refuse"
    relays: Callable[[str], bool] = lambda _: False
    unknown_accepted: bool = False
    bare_postmaster: bool = True
    forged_accepted: bool = False
    gtube_accepted: bool = False
    eicar_accepted: bool = False
    lenient: bool = False
    any_password: bool = False
    login_needed: bool = True
    any_sender: bool = False
    any_author: bool = False
    greylisted: int = 0
    folder: str = "INBOX"
    loses_mail: bool = False
    sign: Callable[[bytes], bytes] = lambda raw: raw

    def __call__(self, connection: Any) -> None:
        lines = Lines(connection)
        secure = self.implicit
        user = sender = ""
        recipients: list[str] = []
        lines.write(f"220 {self.name} ESMTP")
        while True:
            line = lines.read()
            verb = line.split(" ")[0].upper()
            if verb == "EHLO":
                offers = ["PIPELINING", "SIZE 1000000"]
                if self.starttls and not secure:
                    offers.append("STARTTLS")
                if (self.auth_before_tls and not secure) or (secure and (self.auth_after_tls or self.submission)):
                    offers.append("AUTH PLAIN LOGIN")
                lines.write(f"250-{self.name}", *(f"250-{o}" for o in offers), "250 8BITMIME")
            elif verb == "STARTTLS" and self.starttls:
                lines.write("220 2.0.0 Ready to start TLS")
                lines.start_tls(self.tls)
                secure, user = True, ""
            elif verb == "AUTH":
                user = self._auth(lines, line, secure) or user
            elif verb == "VRFY":
                known = "postmaster" in line
                confirm = self.vrfy == "confirm"
                lines.write(
                    "502 5.5.1 VRFY command is disabled"
                    if not confirm
                    else ("252 2.0.0 yes" if known else "550 5.1.1 no")
                )
            elif verb == "MAIL":
                sender = _path(line)
                lines.write("250 2.1.0 Ok")
            elif verb == "RCPT":
                answer = self._recipient(_path(line), sender, user)
                if answer.startswith("250"):
                    recipients.append(_path(line))
                lines.write(answer)
            elif verb == "DATA":
                if not recipients:
                    lines.write("554 5.5.1 Error: no valid recipients")
                    continue
                lines.write("354 End data with <CR><LF>.<CR><LF>")
                body: list[str] = []
                before = b"\r\n"
                while True:
                    raw = lines.raw()
                    exact = before.endswith(b"\r\n") and raw == b".\r\n"
                    if exact or (self.lenient and raw.strip() == b"."):
                        break
                    before = raw
                    body.append(raw.decode().rstrip("\r\n").removeprefix("."))
                lines.write(self._take("\r\n".join(body).encode() + b"\r\n"))
                recipients = []
            elif verb == "RSET":
                sender, recipients = "", []
                lines.write("250 2.0.0 Ok")
            elif verb == "QUIT":
                lines.write("221 2.0.0 Bye")
                return
            else:
                lines.write("500 5.5.2 unknown command")

    def _auth(self, lines: Lines, line: str, secure: bool) -> str:
        if not secure and not self.clear_login_read:
            lines.write("530 5.7.0 Must issue a STARTTLS command first")
            return ""
        if secure and not self.submission and not self.auth_after_tls:
            lines.write("503 5.5.1 Error: authentication not enabled")
            return ""
        given = base64.b64decode(line.split(" ")[2]).decode().split("\0") if line.count(" ") == 2 else ["", "", ""]
        if given[2] == PASSWORD or self.any_password:
            lines.write("235 2.7.0 Authentication successful")
            return given[1]
        lines.write("535 5.7.8 Error: authentication failed")
        return ""

    def _recipient(self, recipient: str, sender: str, user: str) -> str:
        if self.submission and self.login_needed and not user:
            return "554 5.7.1 Client host rejected: Access denied"
        if self.submission and user and sender not in (user, "") and not self.any_sender:
            return "553 5.7.1 Sender address rejected: not owned by user"
        local, _, domain = recipient.rpartition("@")
        if recipient == "postmaster":
            return "250 2.1.5 Ok" if self.bare_postmaster else "550 5.1.1 unknown"
        if self.relays(recipient):
            return "250 2.1.5 Ok"
        if domain != DOMAIN or re.search(r"[%@!]", local):
            return "250 2.1.5 Ok" if user else "554 5.7.1 Relay access denied"
        if not user and sender.endswith(f"@{DOMAIN}") and not self.forged_accepted:
            return "550 5.7.1 Sender address rejected: log in first"
        if local not in ("postmaster", "mailwiz-probe") and not self.unknown_accepted:
            return "550 5.1.1 User unknown"
        return "250 2.1.5 Ok"

    def _take(self, raw: bytes) -> str:
        if b"XJS*C4JDBQADN1" in raw and not self.gtube_accepted:
            return "554 5.7.1 Gtube pattern"
        if base64.b64encode(b"X5O!P%@AP") in raw and not self.eicar_accepted:
            return "554 5.7.1 Message refused: it contains Eicar"
        author = re.search(rb"(?m)^From: .*<(.*)>", raw)
        if self.submission and not self.any_author and author and author[1] == f"postmaster@{DOMAIN}".encode():
            return "550 5.7.1 The From address is not one that a probe may send as"
        if self.greylisted > 0:
            self.greylisted -= 1
            return "451 4.7.1 Try again later"
        if not self.loses_mail:
            self.store.mails.append((self.folder, self.sign(raw)))
        return "250 2.0.0 Ok: queued as 4XyZ12"


def _path(line: str) -> str:
    inside = re.search(r"<(.*)>", line)
    return inside[1].lower() if inside else ""


@dataclass
class Imap:
    """An IMAP server with the mails of a store; the defaults are right, each field breaks it in one way."""

    store: Store = field(default_factory=Store)
    clear: bool = False
    login_disabled: bool = True
    clear_login_read: bool = False
    any_password: bool = False
    inbox_broken: bool = False
    tls: ssl.SSLContext | None = None

    def __call__(self, connection: Any) -> None:
        lines = Lines(connection)
        folder = "INBOX"
        lines.write("* OK ready")
        while True:
            tag, _, rest = lines.read().partition(" ")
            verb = rest.split(" ")[0].upper()
            if verb == "CAPABILITY":
                shut = self.clear and self.login_disabled
                lines.write(
                    f"* CAPABILITY IMAP4rev1 {'STARTTLS LOGINDISABLED' if shut else 'AUTH=PLAIN'}", f"{tag} OK done"
                )
            elif verb == "LOGIN":
                if self.clear and not self.clear_login_read:
                    lines.write(f"{tag} NO [PRIVACYREQUIRED] Cleartext authentication disallowed")
                elif PASSWORD in rest or self.any_password:
                    lines.write(f"{tag} OK Logged in")
                else:
                    lines.write(f"{tag} NO [AUTHENTICATIONFAILED] Authentication failed.")
            elif verb in ("SELECT", "EXAMINE"):
                folder = rest.split(" ")[1].strip('"')
                mails = self.store.folder(folder)
                lines.write(f"* {len(mails)} EXISTS", f"{tag} NO broken" if self.inbox_broken else f"{tag} OK done")
            elif verb == "SEARCH":
                wanted = rest.rpartition("SUBJECT ")[2].strip('"').encode()
                hits = [str(i) for i, raw in enumerate(self.store.folder(folder), 1) if wanted in raw]
                lines.write(" ".join(["* SEARCH", *hits]), f"{tag} OK done")
            elif verb == "FETCH":
                asked = rest.split(" ")[1]
                for number, raw in enumerate(self.store.folder(folder), 1):
                    if asked in ("1:*", str(number)):
                        begun = f"* {number} FETCH (BODY[] {{{len(raw)}}}\r\n".encode()
                        lines.connection.sendall(begun + raw + b")\r\n")
                lines.write(f"{tag} OK done")
            elif verb == "STARTTLS" and self.tls:
                lines.write(f"{tag} OK begin TLS")
                lines.start_tls(self.tls)
            elif verb == "LOGOUT":
                lines.write("* BYE", f"{tag} OK bye")
                return
            else:
                lines.write(f"{tag} OK done")


def sieve(context: ssl.SSLContext) -> Callable[[Any], None]:
    """A ManageSieve server that offers STARTTLS and then nothing more."""

    def handle(connection: Any) -> None:
        lines = Lines(connection)
        lines.write('"IMPLEMENTATION" "fake"', '"STARTTLS"', 'OK "ready"')
        if lines.read().upper() == "STARTTLS":
            lines.write('OK "begin TLS"')
            lines.start_tls(context)
            lines.read()

    return handle
