"""Answers Postfix: whether a recipient can receive a message (SMTPD_POLICY_README), and who receives a bounce.

usage: mailwiz-recipient-checks SETTINGS [SETTINGS ...]    JSON objects; a later one has precedence

Two ports on the loopback: policy requests of smtpd(8), and ``bounces KEY`` by socketmap_table(5), of the cleanup(8)
of bounce(8). While the accounts cannot be read, recipients are deferred and bounces wait.
"""

from __future__ import annotations

import contextlib
import json
import re
import socketserver
import sys
import threading
from io import BufferedIOBase
from typing import Any

from ..accounts.account_reader import AccountsUnavailableError
from ..accounts.account_sources import accounts_from
from ..message_checks.sender_owners import read_netstring
from .decision import FINE, Decision

LATER = "451 4.3.0 The recipient cannot be looked up now"
_LONGEST = 4096


def read_request(stream: BufferedIOBase) -> dict[str, str] | None:
    """The attributes of the next policy request; None at the end, or after an invalid line."""
    found: dict[str, str] = {}
    while line := stream.readline(_LONGEST):
        if line == b"\n":
            return found
        name, equals, value = line.decode("utf-8", "replace").rstrip("\n").partition("=")
        if not equals or not line.endswith(b"\n"):
            return None
        found[name] = value
    return None


def action(request: dict[str, str], decision: Decision) -> str:
    """The answer to a policy request."""
    recipient, size = request.get("recipient", ""), request.get("size", "")
    if not recipient:
        return FINE
    try:
        return decision.recipient(recipient, int(size) if size.isascii() and size.isdigit() else 0)
    except AccountsUnavailableError as error:
        sys.stderr.write(f"{recipient} cannot be looked up: {error}\n")
        return LATER


def bounce_answer(request: bytes, decision: Decision) -> bytes:
    """The answer to a lookup in the table of bounces."""
    sender = request.decode("utf-8", "replace").partition(" ")[2]
    try:
        instead = decision.bounce(sender)
    except AccountsUnavailableError as error:
        return f"TEMP {error}"[:_LONGEST].encode("utf-8", "replace")
    return f"OK {instead}".encode() if instead else b"NOTFOUND "


class _Recipients(socketserver.StreamRequestHandler):
    timeout = 3600.0
    server: Server

    def handle(self) -> None:
        while (request := read_request(self.rfile)) is not None:
            self.wfile.write(f"action={action(request, self.server.decision)}\n\n".encode())


class _Bounces(socketserver.StreamRequestHandler):
    timeout = 3600.0
    server: Server

    def handle(self) -> None:
        while (request := read_netstring(self.rfile)) is not None:
            said = bounce_answer(request, self.server.decision)
            self.wfile.write(b"%d:%s," % (len(said), said))


class Server(socketserver.ThreadingTCPServer):
    """Listens on the loopback, with a thread for each process of Postfix."""

    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, handler: type[socketserver.StreamRequestHandler], decision: Decision) -> None:
        super().__init__(("127.0.0.1", port), handler)
        self.decision = decision


def servers(settings: dict[str, Any], decision: Decision) -> tuple[Server, Server]:
    """The two servers, listening but not yet answering."""
    return (
        Server(settings["recipients_port"], _Recipients, decision),
        Server(settings["bounces_port"], _Bounces, decision),
    )


def main(paths: list[str]) -> None:
    """Serve until systemd stops it."""
    settings: dict[str, Any] = {}
    for path in paths:
        with contextlib.suppress(FileNotFoundError), open(path, encoding="utf-8") as handle:
            settings.update(json.load(handle))
    decision = Decision(
        accounts_from(settings["accounts"]),
        re.compile(settings["local_part"]),
        frozenset(settings["host_names"]),
        settings["postmaster"],
        settings["grace"],
    )
    recipients, bounces = servers(settings, decision)
    threading.Thread(target=bounces.serve_forever, daemon=True).start()
    recipients.serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
