"""Mail that is forwarded: from a sender with a strict SPF record, by an alias, to somebody outside again."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from email.message import EmailMessage

import dkim

from mailwiz_tui.lab.lab import Lab
from tests.lab.clients import mail
from tests.lab.site import Site

SENDER = "alice@outside.test"
"""Its domain publishes ``-all`` and ``p=reject`` with strict alignment."""


def signed(lab: Lab, recipient: str, subject: str, sender: str = SENDER) -> bytes:
    """A mail with the outside domain's DKIM signature."""
    raw = mail(sender, recipient, subject).as_bytes().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    key, names = lab.paths.dkim_key.read_bytes(), [b"from", b"to", b"subject", b"date", b"message-id"]
    return bytes(dkim.sign(raw, b"lab", b"outside.test", key, include_headers=names)) + raw


@dataclass(frozen=True)
class Forward:
    """A forwarded mail as it came back to the outside: its envelope sender and itself."""

    envelope: str
    message: EmailMessage

    def signature_holds(self, lab: Lab) -> bool:
        """Whether the sender's DKIM signature survived."""

        def published(name: bytes, timeout: float = 5) -> bytes:
            texts = lab.dns.texts(name.decode().rstrip("."), "TXT")
            return "".join(texts[0].split('"')[1::2]).encode()

        return bool(dkim.verify(self.message.as_bytes().replace(b"\n", b"\r\n"), dnsfunc=published))


def forwarded(lab: Lab, alias: str, friend: str, sender: str = SENDER) -> Forward:
    """Send a mail to an alias that leads to ``friend`` at outside.test, and wait until it has come there."""
    subject = uuid.uuid4().hex
    lab.outside.send(signed(lab, alias, subject, sender), sender, alias)
    message = lab.outside.wait_for(friend, subject, seconds=60)
    return Forward(str(message["Return-Path"]).strip("<> "), message)


def reply(lab: Lab, server: str, recipient: str, sender: str = "<>") -> str:
    """What port 25 says to a recipient."""
    options = ("--server", server, "--from", sender, "--to", recipient, "--quit-after", "RCPT")
    lines = lab.outside.swaks(*options, "--helo", "mail.outside.test").stdout.splitlines()
    at = next((i for i, line in enumerate(lines) if "RCPT TO" in line), len(lines) - 2)
    return lines[at + 1].lstrip("<-*~ ").strip()


def bounce(lab: Lab, to: str) -> str:
    """Return a bounce to an address, as a server behind would; its mark."""
    mark = uuid.uuid4().hex
    lab.outside.send(signed(lab, to, f"Undelivered {mark}", "mailer-daemon@outside.test"), "", to)
    return mark


def is_ours(envelope: str, domain: str) -> bool:
    """Whether an envelope sender is an SRS address of a domain, for the sender of these tests."""
    return re.fullmatch(rf"SRS0=[^=]+=[^=]+=outside\.test=alice@{re.escape(domain)}", envelope) is not None


def comes_back(site: Site) -> None:
    """Assert that an alias to the outside passes mail on under our name, and that its bounces find their sender."""
    lab, friend = site.lab, f"{uuid.uuid4().hex}@outside.test"
    site.sql(
        f"REPLACE INTO alias (address, goto, domain) VALUES ('friend@{site.domain}', '{friend}', '{site.domain}')"
    )
    there = forwarded(lab, f"friend@{site.domain}", friend)
    assert is_ours(there.envelope, site.domain)
    assert there.signature_holds(lab)
    lab.outside.wait_for(SENDER, bounce(lab, there.envelope), seconds=60)
    forged = there.envelope.replace("SRS0=", "SRS0=A")
    assert reply(lab, site.workspace.address, forged).startswith("550 5.1.1")
