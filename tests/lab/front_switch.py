"""A TCP relay that leads a browser to one of several servers with the same name, then to another."""

from __future__ import annotations

import contextlib
import socket
import threading
from types import TracebackType


class FrontSwitch:
    """Leads connections to port 443 of one address; ``to`` ends them, and the next lead to another address."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._living: list[socket.socket] = []
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0))

    @property
    def at(self) -> str:
        """Where it listens, as ``address:port``."""
        return f"127.0.0.1:{self._listener.getsockname()[1]}"

    def to(self, address: str) -> None:
        """Every request from now on goes to this address."""
        with self._lock:
            self._address = address
            for living in self._living:
                with contextlib.suppress(OSError):
                    living.shutdown(socket.SHUT_RDWR)
            self._living.clear()

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._lead, args=(client,), daemon=True).start()

    def _lead(self, client: socket.socket) -> None:
        with (
            client,
            contextlib.suppress(OSError),
            socket.create_connection((self._address, 443), timeout=20) as server,
        ):
            server.settimeout(None)
            with self._lock:
                self._living += [client, server]
            back = threading.Thread(target=_pipe, args=(server, client), daemon=True)
            back.start()
            _pipe(client, server)
            back.join()

    def __enter__(self) -> FrontSwitch:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        self._listener.close()


def _pipe(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(65536):
            sink.sendall(piece)
    for end in (source, sink):
        with contextlib.suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
