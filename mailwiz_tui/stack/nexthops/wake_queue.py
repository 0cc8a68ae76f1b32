"""Has Postfix retry deferred messages as soon as their next hop greets.

usage: mailwiz-wake-queue NAME=ADDRESS,PORT...    the next hops of this server in the plan

Messages that the next hop itself deferred (a full mailbox) keep Postfix's own schedule. Runs on servers.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

DEFERRED = "/var/spool/postfix/deferred"
GREETING_TIMEOUT = 4.0
FEW = 100
"""Up to this number messages are retried one by one, above it the whole queue (postqueue(1), -f)."""


@dataclass(frozen=True)
class Hop:
    """A next hop, at its address on the private link."""

    name: str
    address: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Hop:
        """Reads ``NAME=ADDRESS,PORT``; raises ``ValueError`` for anything else."""
        name, _, place = text.partition("=")
        address, _, port = place.rpartition(",")
        return cls(name, address, int(port))


def any_deferred(folder: str = DEFERRED) -> bool:
    """Whether the deferred queue has a message, from the file system, without Postfix."""
    return any(files for _, _, files in os.walk(folder))


def queue() -> list[str]:
    """The queue, a JSON object for each line (postqueue(1), -j)."""
    done = subprocess.run(["postqueue", "-j"], capture_output=True, timeout=60, check=True)
    return done.stdout.decode("utf-8", "replace").splitlines()


def waiting(lines: Iterable[str], hops: Iterable[Hop]) -> dict[Hop, set[str]]:
    """The queue ids of messages for each next hop that could not be reached."""
    found: dict[Hop, set[str]] = {hop: set() for hop in hops}
    for line in lines:
        message = json.loads(line, strict=False)
        for recipient in message["recipients"]:
            reason = recipient.get("delay_reason", "")
            if " said: " in reason:  # the next hop was reached and deferred the message itself
                continue
            for hop, ids in found.items():
                if f"[{hop.address}]" in reason:
                    ids.add(message["queue_id"])
    return found


def greets(hop: Hop) -> bool:
    """Whether a mail server greets there (RFC 5321 3.1: 220)."""
    try:
        with socket.create_connection((hop.address, hop.port), timeout=GREETING_TIMEOUT) as connection:
            connection.settimeout(GREETING_TIMEOUT)
            greeting = connection.recv(200)
            connection.sendall(b"QUIT\r\n")
            return greeting.startswith(b"220")
    except OSError:
        return False


def deliverable(hops: Iterable[Hop], lines: Iterable[str]) -> set[str]:
    """The messages whose next hop greets now; each such next hop is logged (sd-daemon(3): <5> is a notice)."""
    found = {hop: ids for hop, ids in waiting(lines, hops).items() if ids}
    with ThreadPoolExecutor(16) as pool:
        answers = dict(zip(found, pool.map(greets, found), strict=True))
    ready: set[str] = set()
    for hop, ids in found.items():
        if answers[hop]:
            print(f"<5>{hop.name} answers again: trying {len(ids)} deferred messages", flush=True)  # noqa: T201
            ready |= ids
    return ready


def retry(ids: set[str]) -> None:
    """Has Postfix retry these messages now."""
    commands = [["postqueue", "-i", queue_id] for queue_id in sorted(ids)]
    for command in commands if len(ids) <= FEW else [["postqueue", "-f"]]:
        subprocess.run(command, timeout=60, check=False)


def main(arguments: list[str]) -> None:
    """The command; see the module's first lines."""
    if any_deferred():
        retry(deliverable([Hop.parse(text) for text in arguments], queue()))


if __name__ == "__main__":
    main(sys.argv[1:])
