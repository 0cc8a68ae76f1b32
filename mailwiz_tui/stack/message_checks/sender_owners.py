"""Tells Postfix which logins own an envelope sender (smtpd_sender_login_maps), by socketmap_table(5).

So the same rules hold for the envelope and for From. A request is the netstring ``NAME KEY``, an answer
``OK logins``, ``NOTFOUND`` or ``TEMP reason``; after the last one Postfix defers.
"""

from __future__ import annotations

import socketserver
import threading
from io import BufferedIOBase

from ..accounts.account_reader import Accounts, AccountsUnavailableError

PORT = 11346
"""The same as ``keys.SENDER_OWNERS_PORT``, for programs on servers."""
_LONGEST = 4096


def answer(request: bytes, accounts: Accounts) -> bytes:
    """The answer to a request."""
    key = request.decode("utf-8", "replace").partition(" ")[2]
    try:
        owners = accounts.owners(key)
    except AccountsUnavailableError as error:
        return f"TEMP {error}"[:_LONGEST].encode("utf-8", "replace")
    return f"OK {','.join(sorted(owners))}".encode() if owners else b"NOTFOUND "


def read_netstring(stream: BufferedIOBase) -> bytes | None:
    """The next netstring; None at the end, or after an invalid one."""
    digits = b""
    while (char := stream.read(1)) != b":":
        if not char.isdigit() or len(digits) > 5:
            return None
        digits += char
    size = int(digits or b"0")
    text = stream.read(size) if size <= _LONGEST else b""
    return text if len(text) == size and stream.read(1) == b"," else None


class _Client(socketserver.StreamRequestHandler):
    timeout = 600.0
    server: SenderOwners

    def handle(self) -> None:
        while (request := read_netstring(self.rfile)) is not None:
            said = answer(request, self.server.accounts)
            self.wfile.write(b"%d:%s," % (len(said), said))


class SenderOwners(socketserver.ThreadingTCPServer):
    """Listens on the loopback, with a thread for each process of Postfix."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, accounts: Accounts) -> None:
        super().__init__(("127.0.0.1", port), _Client)
        self.accounts = accounts

    def start(self) -> None:
        """Serve in the background until the program ends."""
        threading.Thread(target=self.serve_forever, daemon=True).start()
