"""Passes connections on to MariaDB's socket; new ones wait while MariaDB does not answer.

Postfix does not ask a database for a minute after one failed connection and answers 451 meanwhile (dict_mysql.c);
Dovecot fails the present login. Through the gate a connection succeeds at once, and MariaDB's greeting comes as
soon as it is up again.

If that takes too long, the gate accepts the login itself and refuses the first query. A failed connection does more
harm: Dovecot 2.4's auth-worker ends with signal 11 at the second one (it connects with a handle that it has closed,
driver-mysql.c), and its master never starts a replacement for that worker.

MariaDB knows programs by their system user (SO_PEERCRED), so each connection to it is made as the client's user.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import struct
import time

from ..gates.listener import CHUNK, PAUSE, Listener, until_first

ERROR_PACKET = 0xFF
NOT_YET = frozenset((1040, 1053))
"""MariaDB's temporary errors: too many connections, shutdown in progress."""
COM_QUIT = 1


def packet(number: int, payload: bytes) -> bytes:
    """A packet of MariaDB's protocol: the length, the sequence number, the payload."""
    return len(payload).to_bytes(3, "little") + bytes((number,)) + payload


_CAN = 0x0BA20F
"""Capabilities: protocol 4.1, its passwords, connect with a database, multiple results, authentication plugins."""
OWN_GREETING = packet(
    0,
    b"\x0a5.5.5-mailwiz-database-gate\0"
    + bytes((1, 0, 0, 0))
    + b"noSecret\0"
    + (_CAN & 0xFFFF).to_bytes(2, "little")
    + b"\x2d\x02\0"
    + (_CAN >> 16).to_bytes(2, "little")
    + bytes((21, *[0] * 10))
    + b"isNeededHere\0mysql_native_password\0",
)
"""https://mariadb.com/docs/server/reference/clientserver-protocol/1-connecting/connection"""
WELCOME = packet(2, b"\0\0\0\x02\0\0\0")
DOWN = packet(1, bytes((ERROR_PACKET,)) + (1053).to_bytes(2, "little") + b"#08S01MariaDB does not answer")


class Gate(Listener):
    """Connects clients to MariaDB, or refuses a first query if MariaDB does not answer in time."""

    async def pass_on(self, client: socket.socket) -> None:
        client.setblocking(False)
        with client, contextlib.suppress(OSError):
            uid = peer_uid(client)
            found = await self._reach(uid)
            if found is None:
                await self._refuse(client, uid)
                return
            server, greeting = found
            with server:
                await asyncio.get_running_loop().sock_sendall(client, greeting)
                await until_first(_copy(client, server), _copy(server, client))

    async def _reach(self, uid: int) -> tuple[socket.socket, bytes] | None:
        """A connection to MariaDB and its greeting; None if it did not answer in time."""
        deadline = time.monotonic() + self._patience
        while (left := deadline - time.monotonic()) > 0:
            found = await self._try(uid, left)
            if found is not None:
                return found
            await asyncio.sleep(PAUSE)
        return None

    async def _try(self, uid: int, seconds: float) -> tuple[socket.socket, bytes] | None:
        """The same at the first attempt."""
        server = connect_as(uid, self._target)
        if server is None:
            return None
        greeting = b""
        with contextlib.suppress(OSError, TimeoutError):
            greeting = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(server, CHUNK), seconds)
        if greeting and not _not_yet(greeting):
            return server, greeting
        server.close()
        return None

    async def _refuse(self, client: socket.socket, uid: int) -> None:
        """Accept a login and refuse its first query; if MariaDB is up by then, the connection is closed.

        After an end without an answer a program connects anew, and Dovecot repeats its query.
        """
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, OWN_GREETING)
        if not await loop.sock_recv(client, CHUNK):
            return
        await loop.sock_sendall(client, WELCOME)
        query = await loop.sock_recv(client, CHUNK)
        if not query or query[4:5] == bytes((COM_QUIT,)):
            return
        found = await self._try(uid, PAUSE)
        if found is not None:
            found[0].close()
            return
        await loop.sock_sendall(client, DOWN)


def peer_uid(client: socket.socket) -> int:
    """The system user on the other side of a Unix socket (SO_PEERCRED, unix(7))."""
    size = struct.calcsize("3i")
    credentials = struct.unpack("3i", client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size))
    return int(credentials[1])


def connect_as(uid: int, path: str) -> socket.socket | None:
    """A connection to MariaDB as this user; None if MariaDB does not listen.

    connect(2) sets SO_PEERCRED for good, so the effective user is changed for this call only.
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
    """Whether MariaDB refuses temporarily: an ERR packet has its code after the header (4 bytes) and the marker."""
    return len(packet) >= 7 and packet[4] == ERROR_PACKET and int.from_bytes(packet[5:7], "little") in NOT_YET


async def _copy(source: socket.socket, target: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, CHUNK):
        await loop.sock_sendall(target, data)


def main() -> None:
    """Serve the socket that systemd opened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", help="MariaDB's socket")
    parser.add_argument("--patience", type=float, default=7.0, help="seconds a connection may wait")
    options = parser.parse_args()
    Gate(options.target, options.patience).serve_opened()


if __name__ == "__main__":
    main()
