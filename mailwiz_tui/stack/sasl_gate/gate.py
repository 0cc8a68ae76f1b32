"""Passes Postfix's logins on to Dovecot, and lets Postfix tell a failure that passes from a wrong password.

Dovecot's answer to a login that it could not check, for example because MariaDB is down, is ``FAIL`` with
``code=temp_fail``. Postfix knows no such code (xsasl_dovecot_server.c): it answers 535, and mail programs ask their
users for another password. A connection that ends before the answer is a temporary failure for Postfix, which
answers 454 4.7.0 (RFC 4954, 4). So that is what Postfix gets instead of the code.

Postfix waits 10 s for a line of Dovecot, which has more logins to check after an outage than it can in that time;
lines that Postfix does not know reset its clock. While Dovecot restarts, a connection waits.

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
"""How Dovecot marks a login that it could not check; the second is the older word."""
ANSWERS = frozenset((b"OK", b"CONT", b"FAIL", b"DONE"))
"""Lines that Postfix waits for; the last one ends Dovecot's greeting."""
STILL_BUSY = b"WAIT\n"
BREATH = 4.0
"""Seconds after which Postfix is told so."""
LONGEST = 60.0
"""Seconds that a login may take; then Postfix is left to its own limit."""
HELLO = b"VERSION\t1\t1\nCPID\t%d\n"


class Gate(Listener):
    """Connects Postfix to Dovecot; one that waits for an answer is told so every ``breath`` seconds."""

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
        """A connection to Dovecot; None where it did not listen in time."""
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
    """What Postfix and Dovecot say to each other over one connection."""

    def __init__(self, client: socket.socket, dovecot: socket.socket, breath: float) -> None:
        self._client = client
        self._dovecot = dovecot
        self._breath = breath
        self._asked: float | None = None

    async def pass_on(self) -> None:
        """Copy until either side closes or Dovecot could not check a login."""
        await until_first(self._ask(), self._answer(), self._keep_waiting())

    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        while data := await loop.sock_recv(self._client, CHUNK):
            self._asked = time.monotonic()
            await loop.sock_sendall(self._dovecot, data)

    async def _answer(self) -> None:
        """Pass on whole lines; end at the first one that says that a login could not be checked."""
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
        """Say something that Postfix ignores while it waits for an answer."""
        while True:
            await asyncio.sleep(self._breath)
            if self._asked is not None and time.monotonic() - self._asked < LONGEST:
                await asyncio.get_running_loop().sock_sendall(self._client, STILL_BUSY)


def could_not_check(line: bytes) -> bool:
    """Whether a line of Dovecot says that a login failed for now only."""
    command, *fields = line.split(b"\t")
    return command == b"FAIL" and not TEMPORARY.isdisjoint(fields[1:])


def answers(place: str, patience: float) -> bool:
    """Whether Dovecot greets at a socket, as it greets Postfix."""
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
            sys.exit(f"nobody answers at {options.socket}")
        sys.stdout.write("ready for logins\n")
        return
    Gate(options.socket, options.patience).serve_opened()


if __name__ == "__main__":
    main()
