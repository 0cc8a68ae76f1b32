"""Passes connections on to MariaDB's socket, and lets new ones wait while MariaDB does not answer.

Postfix leaves a database alone for a minute after one failed connection and answers 451 meanwhile (dict_mysql.c);
Dovecot fails the login it was busy with. Through the gate a connection succeeds at once, and MariaDB's greeting
comes as soon as it is up again.

MariaDB knows programs by their system user (SO_PEERCRED), so each connection to it is made as the user who came in.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import struct
import time

FIRST_DESCRIPTOR = 3
"""Where systemd puts the listening socket (sd_listen_fds(3))."""
PAUSE = 0.1
ERROR_PACKET = 0xFF
NOT_YET = frozenset((1040, 1053))
"""MariaDB's errors that pass: too many connections, shutdown in progress."""
CHUNK = 65536


class Gate:
    """Listens where programs ask, and connects to MariaDB's ``target`` socket; one waits ``patience`` seconds."""

    def __init__(self, target: str, patience: float) -> None:
        self._target = target
        self._patience = patience
        self._tasks: set[asyncio.Task[None]] = set()

    async def serve(self, listener: socket.socket) -> None:
        """Take connections until cancelled."""
        listener.setblocking(False)
        loop = asyncio.get_running_loop()
        while True:
            client, _ = await loop.sock_accept(listener)
            task = asyncio.create_task(self._pass_on(client))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pass_on(self, client: socket.socket) -> None:
        client.setblocking(False)
        with client, contextlib.suppress(OSError):
            found = await self._reach(peer_uid(client))
            if found is None:
                return
            server, greeting = found
            with server:
                await asyncio.get_running_loop().sock_sendall(client, greeting)
                await _both_ways(client, server)

    async def _reach(self, uid: int) -> tuple[socket.socket, bytes] | None:
        """A connection to MariaDB and its greeting; None where it did not answer in time."""
        deadline = time.monotonic() + self._patience
        while (left := deadline - time.monotonic()) > 0:
            server = connect_as(uid, self._target)
            if server is not None:
                greeting = b""
                with contextlib.suppress(OSError, TimeoutError):
                    greeting = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(server, CHUNK), left)
                if greeting and not _not_yet(greeting):
                    return server, greeting
                server.close()
            await asyncio.sleep(PAUSE)
        return None


def peer_uid(client: socket.socket) -> int:
    """The system user on the other side of a Unix socket (SO_PEERCRED, unix(7))."""
    size = struct.calcsize("3i")
    credentials = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(credentials[1])


def connect_as(uid: int, path: str) -> socket.socket | None:
    """A connection that MariaDB takes for one of this user; None where nobody listens.

    connect(2) fixes what SO_PEERCRED tells, so the effective user is another one for this call only.
    """
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    server.setblocking(False)
    own = os.geteuid()
    try:
        os.seteuid(uid)
        try:
            server.connect(path)
        finally:
            os.seteuid(own)
    except OSError:
        server.close()
        return None
    return server


def _not_yet(packet: bytes) -> bool:
    """Whether MariaDB refuses for now: an ERR packet has its code after the header of 4 bytes and the mark."""
    return len(packet) >= 7 and packet[4] == ERROR_PACKET and int.from_bytes(packet[5:7], "little") in NOT_YET


async def _both_ways(client: socket.socket, server: socket.socket) -> None:
    """Copy until either side closes."""
    ways = (asyncio.create_task(_copy(client, server)), asyncio.create_task(_copy(server, client)))
    try:
        await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _copy(source: socket.socket, target: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, CHUNK):
        await loop.sock_sendall(target, data)


def main() -> None:
    """Serve the socket that systemd opened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", help="MariaDB's socket")
    parser.add_argument("--patience", type=float, default=4.0, help="seconds a connection may wait")
    options = parser.parse_args()
    listener = socket.socket(fileno=FIRST_DESCRIPTOR)
    asyncio.run(Gate(options.target, options.patience).serve(listener))


if __name__ == "__main__":
    main()
