"""Says that the store is on this server, for the others' HAProxy: Pacemaker starts it last, and stops it first.

usage: store-here ADDRESS PORT

Each connection is told one line and closed. Runs on servers, as nobody.
"""

from __future__ import annotations

import socket
import socketserver
import sys

ANSWER = b"the store is here\n"


class _Answer(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(ANSWER)


class _Server(socketserver.TCPServer):
    allow_reuse_address = True
    request_queue_size = 64


class _Server6(_Server):
    address_family = socket.AF_INET6


def main() -> None:
    """The command; see the module's first lines."""
    address, port = sys.argv[1], int(sys.argv[2])
    kind = _Server6 if ":" in address else _Server
    with kind((address, port), _Answer) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
