"""A mail server of the test's own, on the lab's wire: plays a next hop or a provider's smart host.

It listens on the outside host's address under a name of its own, with a certificate of the lab's authority, and
keeps every mail it has taken.
"""

from __future__ import annotations

import base64
import contextlib
import socketserver
import ssl
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mailwiz_tui.lab import keys
from mailwiz_tui.lab.lab import Lab

NAME = "post.outside.test"


@dataclass
class Letter:
    """A mail that was taken: envelope, text, the login it came with, and the TLS version."""

    sender: str
    recipients: list[str]
    text: str
    user: str
    tls: str


@dataclass
class PostOffice:
    """What the server knows and has seen.

    ``known`` None takes any recipient; ``login`` is the user and password it wants; ``down`` hangs up at once.
    """

    known: set[str] | None = None
    login: tuple[str, str] | None = None
    letters: list[Letter] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    down: bool = False
    port: int = 0
    name: str = NAME

    @property
    def hop(self) -> str:
        return f"[{self.name}]:{self.port}"


class _Dialog(socketserver.StreamRequestHandler):
    timeout = 60

    def handle(self) -> None:
        office: PostOffice = self.server.office  # type: ignore[attr-defined]
        sender, user, tls = "", "", ""
        recipients: list[str] = []
        if office.down:
            return
        self._say(f"220 {office.name} ESMTP")
        while line := self.rfile.readline(4096).decode("utf-8", "replace").strip():
            verb = line.upper().partition(" ")[0]
            if verb == "EHLO":
                offers = [office.name, "8BITMIME", "SIZE 10000000"]
                offers += ["AUTH PLAIN"] if tls and office.login else [] if tls else ["STARTTLS"]
                for offer in offers[:-1]:
                    self._say(f"250-{offer}")
                self._say(f"250 {offers[-1]}")
            elif verb == "STARTTLS":
                self._say("220 go ahead")
                context: ssl.SSLContext = self.server.tls  # type: ignore[attr-defined]
                self.connection = context.wrap_socket(self.connection, server_side=True)
                self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb")
                tls = str(self.connection.version())
            elif verb == "AUTH":
                _, name, password = base64.b64decode(line.split()[2]).decode().split("\0")
                if (name, password) == office.login:
                    user = name
                    self._say("235 2.7.0 welcome")
                else:
                    self._say("535 5.7.8 wrong user or password")
            elif office.login and not user and verb in ("MAIL", "RCPT", "DATA"):
                self._say("530 5.7.0 log in first")
            elif verb == "MAIL":
                sender, recipients = _address(line), []
                self._say("250 2.1.0 ok")
            elif verb == "RCPT":
                office.asked.append(_address(line))
                if office.known is None or _address(line) in office.known:
                    recipients.append(_address(line))
                    self._say("250 2.1.5 ok")
                else:
                    self._say("550 5.1.1 the backend knows no such user")
            elif verb == "DATA":
                self._say("354 go on")
                lines = []
                while (text := self.rfile.readline(65536)) != b".\r\n":
                    lines.append(text[1:] if text.startswith(b"..") else text)
                office.letters.append(Letter(sender, recipients, b"".join(lines).decode(), user, tls))
                self._say("250 2.0.0 taken")
            elif verb == "QUIT":
                self._say("221 2.0.0 bye")
                return
            else:
                self._say("250 2.0.0 ok")

    def _say(self, line: str) -> None:
        self.wfile.write(line.encode() + b"\r\n")
        self.wfile.flush()


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is no news."""


@contextlib.contextmanager
def post_office(
    lab: Lab,
    *,
    port: int = 0,
    known: set[str] | None = None,
    login: tuple[str, str] | None = None,
    name: str = NAME,
    address: str = "",
) -> Iterator[PostOffice]:
    """Run the server for as long as the block lasts, at an address of the outside host (its mail server's)."""
    office = PostOffice(known, login, name=name)
    address = address or str(lab.outside.address.ipv4)
    lab.dns.publish(f"{name}. 5 IN A {address}")
    server = _Server((address, 0), _Dialog, bind_and_activate=False)
    server.socket.close()
    with tempfile.TemporaryDirectory() as folder, lab.outside.listen(port, address) as server.socket:
        issued = keys.issue(lab.paths, name)
        (Path(folder) / "chain.pem").write_text(issued.chain)
        (Path(folder) / "key.pem").write_text(issued.key)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(Path(folder) / "chain.pem", Path(folder) / "key.pem")
        server.tls, server.office = context, office  # type: ignore[attr-defined]
        office.port = server.socket.getsockname()[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.1,), daemon=True)
        thread.start()
        try:
            yield office
        finally:
            server.shutdown()
            thread.join()
