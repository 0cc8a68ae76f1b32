"""Mail between the outside host and installed servers, as it is on the wire: offered there, found as it arrived."""

from __future__ import annotations

import re
import smtplib
import socket
import time
from email.message import Message

from mailwiz_tui.lab.lab import Lab


def arrived(lab: Lab, subject: str, seconds: float) -> bytes:
    """Wait for a message at the outside host, whoever it is for; empty where none comes."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for path in [p for part in ("new", "cur") for p in (lab.outside.mailboxes / part).glob("*")]:
            raw = path.read_bytes()
            if f"Subject: {subject}\n".encode() in raw:
                return raw
        time.sleep(0.5)
    return b""


class FromOutside(smtplib.SMTP):
    """A client at the outside address."""

    def __init__(self, lab: Lab, address: str) -> None:
        self.lab = lab
        super().__init__(address, 25, timeout=120)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        return self.lab.outside.connect(host, port)


def signatures(message: Message) -> list[tuple[str, str]]:
    """Domain and selector of every DKIM signature."""
    found = []
    for value in message.get_all("DKIM-Signature") or []:
        tags = dict(re.findall(r"(?:^|;)\s*([a-z]+)\s*=\s*([^;\s]+)", str(value)))
        found.append((tags.get("d", ""), tags.get("s", "")))
    return found
