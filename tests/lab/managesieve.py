"""A ManageSieve client (RFC 5804) as small as the tests need it."""

from __future__ import annotations

import base64
import socket
import ssl


class ManageSieve:
    """A session after login, over TLS; raises ``AssertionError`` with the server's words where it says no."""

    def __init__(self, address: str, user: str, password: str, tls: ssl.SSLContext) -> None:
        self._socket = socket.create_connection((address, 4190), timeout=30)
        self._lines = self._socket.makefile("rb")
        self._answer()
        self._ask("STARTTLS")
        self._socket = tls.wrap_socket(self._socket)
        self._lines = self._socket.makefile("rb")
        self._answer()
        login = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        self._ask(f'AUTHENTICATE "PLAIN" "{login}"')

    def put(self, name: str, script: str) -> None:
        """Keep a script, and let it be the one that works."""
        self._ask(f'PUTSCRIPT "{name}" {{{len(script.encode())}+}}\r\n{script}')
        self._ask(f'SETACTIVE "{name}"')

    def scripts(self) -> list[str]:
        """The scripts there are, as the server lists them; the working one is marked ``ACTIVE``."""
        return self._ask("LISTSCRIPTS")

    def text(self, name: str) -> str:
        """A script's text."""
        return self._ask(f'GETSCRIPT "{name}"')[0]

    def close(self) -> None:
        """End the session."""
        self._ask("LOGOUT")
        self._socket.close()

    def _ask(self, command: str) -> list[str]:
        self._socket.sendall(command.encode() + b"\r\n")
        return self._answer()

    def _answer(self) -> list[str]:
        lines: list[str] = []
        while True:
            line = self._lines.readline().decode().rstrip("\r\n")
            if line.startswith("OK"):
                return lines
            assert not line.startswith(("NO", "BYE")), line
            if line.startswith("{"):
                line = self._lines.read(int(line.strip("{}"))).decode()
                self._lines.readline()
            lines.append(line)
