"""Passes Postfix's logins on to Dovecot, so that Postfix can distinguish a temporary failure from a wrong password.

Dovecot's answer to a login that it could not verify, for example because MariaDB is down, is ``FAIL`` with
``code=temp_fail``. Postfix does not know that code (xsasl_dovecot_server.c): it answers 535, and mail programs ask
their users for another password. If the connection ends before the answer, Postfix answers 454 4.7.0 (RFC 4954, 4).
So the gate closes the connection instead of passing the code on.

Postfix waits 10 s for a line of Dovecot, which after an outage may have more logins to verify than it can in that
time; lines that Postfix does not know restart its timer. While Dovecot restarts, a connection waits.

https://doc.dovecot.org/2.4.1/developers/design/auth_protocol.html
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import socket
import sys
import time

from ..gates.listener import CHUNK, PAUSE, Listener, until_first

TEMPORARY = frozenset((b"code=temp_fail", b"temp"))
"""Dovecot's marks of a login that it could not verify; the second is the older one."""
ANSWERS = frozenset((b"OK", b"CONT", b"FAIL", b"DONE"))
"""Lines that Postfix waits for; the last one ends Dovecot's greeting."""
STILL_BUSY = b"WAIT\n"
BREATH = 4.0
"""Seconds after which Postfix receives this line."""
LONGEST = 60.0
"""Seconds for a login; after that Postfix's own limit applies."""
HELLO = b"VERSION\t1\t1\nCPID\t%d\n"


class Gate(Listener):
    """Connects Postfix to Dovecot; while Postfix waits it receives a line every ``breath`` seconds."""

    def __init__(self, target: str, patience: float, breath: float = BREATH) -> None:
        super().__init__(target, patience)
        self._breath = breath

    async def pass_on(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.setblocking(False)
            dovecot = await self._reach()
            if dovecot is None:
                return
            with dovecot:
                await Conversation(client, dovecot, self._breath).pass_on()

    async def _reach(self) -> socket.socket | None:
        """A connection to Dovecot; None if it did not listen in time."""
        deadline = time.monotonic() + self._patience
        while True:
            dovecot = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            dovecot.setblocking(False)
            try:
                dovecot.connect(self._target)
            except OSError:
                dovecot.close()
            else:
                return dovecot
            if time.monotonic() > deadline:
                return None
            await asyncio.sleep(PAUSE)


class Conversation:
    """One connection between Postfix and Dovecot."""

    def __init__(self, client: socket.socket, dovecot: socket.socket, breath: float) -> None:
        self._client = client
        self._dovecot = dovecot
        self._breath = breath
        self._asked: float | None = None

    async def pass_on(self) -> None:
        """Copy until either side closes or Dovecot could not verify a login."""
        await until_first(self._ask(), self._answer(), self._keep_waiting())

    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(self._client, CHUNK):
            self._asked = time.monotonic()
            await loop.sock_sendall(self._dovecot, data)

    async def _answer(self) -> None:
        """Pass on whole lines; end at the first one with a login that could not be verified."""
        loop = asyncio.get_running_loop()
        rest = b""
        while data := await loop.sock_recv(self._dovecot, CHUNK):
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                if could_not_check(line):
                    return
                if line.split(b"\t")[0] in ANSWERS:
                    self._asked = None
                await loop.sock_sendall(self._client, line + b"\n")

    async def _keep_waiting(self) -> None:
        """Send a line that Postfix ignores while it waits for an answer."""
        while True:
            await asyncio.sleep(self._breath)
            if self._asked is not None and time.monotonic() - self._asked < LONGEST:
                await asyncio.get_running_loop().sock_sendall(self._client, STILL_BUSY)


def could_not_check(line: bytes) -> bool:
    """Whether a line of Dovecot has a temporary failure of a login."""
    command, *fields = line.split(b"\t")
    return command == b"FAIL" and not TEMPORARY.isdisjoint(fields[1:])


def answers(place: str, patience: float) -> bool:
    """Whether Dovecot sends its greeting for Postfix on a socket."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asked:
        asked.settimeout(patience)
        asked.connect(place)
        asked.sendall(HELLO % os.getpid())
        heard = b""
        while b"\nDONE\n" not in heard:
            data = asked.recv(CHUNK)
            if not data:
                return False
            heard += data
        return True
    return False


def main() -> None:
    """Serve the socket that systemd opened, or ask whether one answers."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("socket", help="Dovecot's socket, or with --check the one to ask")
    parser.add_argument("--patience", type=float, default=5.0, help="seconds a connection may wait")
    parser.add_argument("--check", action="store_true", help="only ask whether Dovecot answers at the socket")
    options = parser.parse_args()
    if options.check:
        if not answers(options.socket, options.patience):
            sys.exit(f"no program answers at {options.socket}")
        sys.stdout.write("ready for logins\n")
        return
    Gate(options.socket, options.patience).serve_opened()


if __name__ == "__main__":
    main()
