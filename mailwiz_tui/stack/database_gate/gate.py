"""Passes connections on to MariaDB's socket; new ones wait while MariaDB does not answer.

Postfix does not ask a database for a minute after one failed connection and answers 451 meanwhile (dict_mysql.c);
Dovecot fails the present login. Through the gate a connection succeeds at once, and MariaDB's greeting comes as
soon as it is up again. A login that MariaDB was killed at is repeated there.

If that takes too long, the gate accepts the login itself and refuses the first query. A failed connection does more
harm: Dovecot 2.4's auth-worker ends with signal 11 at the second one (it connects with a handle that it has closed,
driver-mysql.c), and its master never starts a replacement for that worker. Should MariaDB be up again at the query,
the login is repeated there and the query passed on.

A connection waits longest when MariaDB has just stopped: a restart on a busy server can take many seconds, and
Dovecot repeats a query only once. Later it waits for a short time, because programs have few processes for lookups.

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
from dataclasses import dataclass

from ..gates.listener import CHUNK, PAUSE, Listener, until_first

OK_PACKET, ERROR_PACKET = 0x00, 0xFF
NOT_YET = frozenset((1040, 1053))
"""MariaDB's temporary errors: too many connections, shutdown in progress."""
COM_QUIT = 1
HEADER = 4
"""Bytes before the payload of a packet."""
TLS_REQUEST = HEADER + 32
"""Bytes of the packet with which a client asks for TLS; a login is longer, because it has the user's name."""


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


@dataclass(frozen=True, slots=True)
class Reached:
    """A connection to MariaDB, and the packet that it sent last: its greeting, or its answer to a login."""

    server: socket.socket
    said: bytes


class Gate(Listener):
    """Connects clients to MariaDB, or refuses a first query if MariaDB does not answer in time.

    A connection waits ``patience`` seconds, or until MariaDB has been down for ``restart`` seconds.
    """

    def __init__(self, target: str, patience: float, restart: float) -> None:
        super().__init__(target, patience)
        self._restart = restart
        self._down_since: float | None = None

    async def pass_on(self, client: socket.socket) -> None:
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        with client, contextlib.suppress(OSError), contextlib.ExitStack() as opened:
            uid = peer_uid(client)
            greeted = await self._in_time(uid)
            if greeted is not None:
                opened.enter_context(greeted.server)
            await loop.sock_sendall(client, greeted.said if greeted else OWN_GREETING)
            if greeted is not None and greeted.said[HEADER] == ERROR_PACKET:
                return
            login = await _receive(client)
            if not login:
                return
            let_in = await self._let_in(uid, greeted, login)
            if let_in is None:
                await self._answer_itself(client, uid, login)
                return
            opened.enter_context(let_in.server)
            await loop.sock_sendall(client, let_in.said)
            await _both_ways(client, let_in.server)

    async def _let_in(self, uid: int, greeted: Reached | None, login: bytes) -> Reached | None:
        """A connection past its login, which is repeated if MariaDB ended before its answer; None if it is down."""
        if greeted is None:
            return None
        return await _logged_in(greeted.server, login) or await self._in_time(uid, login)

    async def _in_time(self, uid: int, login: bytes = b"") -> Reached | None:
        """A connection to MariaDB, past the login if there is one; None if it did not answer in time."""
        begun = time.monotonic()
        while (left := self._deadline(begun) - time.monotonic()) > 0:
            if (found := await self._try(uid, left, login)) is not None:
                return found
            await asyncio.sleep(PAUSE)
        return None

    def _deadline(self, begun: float) -> float:
        down_since = begun if self._down_since is None else self._down_since
        return max(begun + self._patience, down_since + self._restart)

    async def _try(self, uid: int, seconds: float, login: bytes) -> Reached | None:
        """The same at the first attempt."""
        found = None
        if (server := connect_as(uid, self._target)) is not None:
            greeting = b""
            with contextlib.suppress(OSError, TimeoutError):
                greeting = await asyncio.wait_for(_receive(server), seconds)
            if not greeting or _not_yet(greeting):
                server.close()
            else:
                found = await _logged_in(server, login) if login else Reached(server, greeting)
        if found is not None:
            self._down_since = None
        elif self._down_since is None:
            self._down_since = time.monotonic()
        return found

    async def _answer_itself(self, client: socket.socket, uid: int, login: bytes) -> None:
        """Accept a login; pass its first query on if MariaDB is up by then, else refuse it."""
        loop = asyncio.get_running_loop()
        await loop.sock_sendall(client, WELCOME)
        query = await _receive(client)
        if not query or query[4:5] == bytes((COM_QUIT,)):
            return
        found = await self._try(uid, self._patience, login)
        if found is None:
            await loop.sock_sendall(client, DOWN)
            return
        with found.server:
            if found.said[HEADER] != OK_PACKET:
                # the client takes the refusal of its login for that of its query, which has another number
                await loop.sock_sendall(client, packet(1, found.said[HEADER:]))
                return
            await loop.sock_sendall(found.server, query)
            await _both_ways(client, found.server)


async def _logged_in(server: socket.socket, login: bytes) -> Reached | None:
    """Send a login; None if MariaDB ended instead of answering it.

    A client that goes on with TLS sends a shorter packet first, which MariaDB does not answer.
    """
    loop = asyncio.get_running_loop()
    with contextlib.suppress(OSError):
        await loop.sock_sendall(server, login)
        if len(login) == TLS_REQUEST:
            return Reached(server, b"")
        answer = await _receive(server)
        if answer and not _not_yet(answer):
            return Reached(server, answer)
    server.close()
    return None


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


async def _receive(source: socket.socket) -> bytes:
    """The next packet of MariaDB's protocol with its header; empty if the connection ended."""
    header = await _exactly(source, HEADER)
    payload = await _exactly(source, int.from_bytes(header[:3], "little")) if header else b""
    return header + payload if payload else b""


async def _exactly(source: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    data = b""
    while len(data) < size:
        more = await loop.sock_recv(source, size - len(data))
        if not more:
            return b""
        data += more
    return data


async def _both_ways(client: socket.socket, server: socket.socket) -> None:
    await until_first(_copy(client, server), _copy(server, client))


async def _copy(source: socket.socket, target: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    while data := await loop.sock_recv(source, CHUNK):
        await loop.sock_sendall(target, data)


def main() -> None:
    """Serve the socket that systemd opened."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("target", help="MariaDB's socket")
    parser.add_argument("--patience", type=float, default=7.0, help="seconds a connection may wait")
    parser.add_argument(
        "--restart", type=float, default=25.0, help="seconds that MariaDB may be down before waits are that short"
    )
    options = parser.parse_args()
    Gate(options.target, options.patience, options.restart).serve_opened()


if __name__ == "__main__":
    main()
