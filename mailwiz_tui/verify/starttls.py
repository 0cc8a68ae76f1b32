"""Takes a plain connection to the start of TLS, for each protocol of the stack.

SMTP: RFC 3207. IMAP: RFC 9051 section 6.2.1. ManageSieve: RFC 5804 section 2.2.
"""

from __future__ import annotations

import socket

from mailwiz_tui.verify.check import Failed
from mailwiz_tui.verify.dialog import HELO
from mailwiz_tui.verify.target import IMAP, SIEVE, SMTP, SUBMISSION

PROTOCOLS = {SMTP: "smtp", SUBMISSION: "smtp", IMAP: "imap", SIEVE: "sieve"}


def prepare(connection: socket.socket, protocol: str) -> None:
    """Ask for TLS on a fresh connection; afterwards the next byte is TLS. Raises ``Failed``, ``OSError``."""
    reader = _Lines(connection)
    if protocol == "smtp":
        _smtp(connection, reader)
    elif protocol == "imap":
        _imap(connection, reader)
    elif protocol == "sieve":
        _sieve(connection, reader)
    else:
        raise Failed(f"starting TLS in {protocol} is not supported")


class _Lines:
    """Reads lines byte by byte, so that bytes of the TLS handshake stay on the connection."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def next(self) -> str:
        line = b""
        while not line.endswith(b"\n"):
            byte = self._connection.recv(1)
            if not byte:
                raise Failed(
                    f"the connection was closed before TLS started (after “{line.decode('utf-8', 'replace')}”)"
                )
            line += byte
            if len(line) > 8192:
                raise Failed("a line of more than 8 KiB came before TLS")
        return line.decode("utf-8", "replace").rstrip("\r\n")


def _smtp(connection: socket.socket, reader: _Lines) -> None:
    def reply() -> tuple[str, list[str]]:
        lines = [reader.next()]
        while lines[-1][3:4] == "-":
            lines.append(reader.next())
        return lines[-1][:3], [line[4:] for line in lines]

    _expect("220", reply(), "greeting")
    connection.sendall(f"EHLO {HELO}\r\n".encode())
    _, lines = _expect("250", reply(), "EHLO")
    if "STARTTLS" not in (line.strip().upper() for line in lines):
        raise Failed(f"expected STARTTLS among the extensions, got {', '.join(lines[1:]) or 'none'}")
    connection.sendall(b"STARTTLS\r\n")
    _expect("220", reply(), "STARTTLS")


def _expect(code: str, reply: tuple[str, list[str]], what: str) -> tuple[str, list[str]]:
    if reply[0] != code:
        raise Failed(f"expected {code} to {what}, got {reply[0]} {reply[1][-1]}")
    return reply


def _imap(connection: socket.socket, reader: _Lines) -> None:
    greeting = reader.next()
    if not greeting.startswith("* OK"):
        raise Failed(f"expected an IMAP greeting, got “{greeting}”")
    connection.sendall(b"a STARTTLS\r\n")
    line = reader.next()
    while line.startswith("*"):
        line = reader.next()
    if not line.upper().startswith("A OK"):
        raise Failed(f"expected OK to STARTTLS, got “{line}”")


def _sieve(connection: socket.socket, reader: _Lines) -> None:
    offered: list[str] = []
    while not (line := reader.next()).upper().startswith(("OK", "NO", "BYE")):
        offered.append(line)
    if not any("STARTTLS" in line.upper() for line in offered):
        raise Failed("expected STARTTLS among the capabilities of ManageSieve, got none")
    connection.sendall(b"STARTTLS\r\n")
    line = reader.next()
    if not line.upper().startswith("OK"):
        raise Failed(f"expected OK to STARTTLS, got “{line}”")
