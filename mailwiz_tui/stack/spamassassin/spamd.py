"""Asks spamd for a verdict (spamd/PROTOCOL of SpamAssassin's source). Runs on servers, Python 3.11 and newer."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from typing import IO


@dataclass(frozen=True, slots=True)
class Verdict:
    """The score of a message, and the names of the matching rules of SpamAssassin."""

    score: float
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spamd:
    """The address of spamd, and the seconds that it has for a message."""

    host: str
    port: int
    seconds: float

    def verdict(self, mail: IO[bytes]) -> Verdict:
        """The verdict on a message in a file that is at its end; raises OSError or ValueError without one."""
        size = mail.tell()
        mail.seek(0)
        with socket.create_connection((self.host, self.port), timeout=10) as link:
            link.settimeout(self.seconds)
            link.sendall(f"SYMBOLS SPAMC/1.5\r\nContent-length: {size}\r\n\r\n".encode())
            while chunk := mail.read(65536):
                link.sendall(chunk)
            link.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: link.recv(65536), b"")).decode("utf-8", "replace")
        return _read(answer)


def _read(answer: str) -> Verdict:
    head, _, body = answer.partition("\r\n\r\n")
    lines = head.split("\r\n")
    status = lines[0].split()
    if len(status) < 2 or not status[0].startswith("SPAMD/") or status[1] != "0":
        raise ValueError(f"spamd answered {lines[0][:80]!r}")
    for line in lines[1:]:
        name, _, said = line.partition(":")
        if name.lower() == "spam":
            score = float(said.partition(";")[2].partition("/")[0])
            return Verdict(score, tuple(rule for rule in "".join(body.split()).split(",") if rule))
    raise ValueError("spamd gave no score")
