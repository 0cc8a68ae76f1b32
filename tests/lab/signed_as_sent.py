"""What the world receives is what a user wrote and the server signed; for a server with any filter."""

from __future__ import annotations

import re
import uuid
from email.policy import SMTP

import dkim

from mailwiz_tui.dns.dkim import text as key_record
from mailwiz_tui.fleet.facts_store import facts_path_for, load_facts
from tests.lab.clients import PASSWORD, other, refused, until
from tests.lab.site import Site

ATTACHED = b"""\
Return-Path: <phish@bad.example>\r
Received: from evil.bad.example (evil.bad.example [203.0.113.66])\r
\tby %(host)s (Postfix) with ESMTPS id 4ABC for <%(user)s>;\r
\tMon, 30 Nov 2026 10:00:00 +0000 (UTC)\r
Received: from laptop (unknown [203.0.113.67])\r
\t(Authenticated sender: x@bad.example)\r
\tby %(host)s (Postfix) with ESMTPSA id 4ABD;\r
\tMon, 30 Nov 2026 09:59:00 +0000 (UTC)\r
X-Mailer: EvilMailer 1.0\r
User-Agent: Evil\r
X-Originating-IP: [203.0.113.66]\r
From: <phish@bad.example>\r
To: <%(user)s>\r
Subject: inner\r
\r
click here\r
"""
FORMER_HOP = b"""\
Received: from sender.example (sender.example [203.0.113.68])\r
\tby %(host)s (Postfix) with ESMTPS id 4ABE\r
\tfor <%(user)s>; Mon, 30 Nov 2026 10:00:00 +0000 (UTC)\r
"""
FORWARD = (
    b"%(former)sFrom: <%(user)s>\r\nTo: <abuse@outside.test>\r\nSubject: forward\r\n"
    b"Date: Mon, 30 Nov 2026 16:00:00 +0000\r\nMessage-ID: <%(id)s@%(domain)s>\r\n"
    b"User-Agent: Mozilla Thunderbird\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=B\r\n\r\n"
    b"--B\r\nContent-Type: text/plain\r\n\r\nsee attached\r\n"
    b"--B\r\nContent-Type: message/rfc822\r\n\r\n%(attached)s"
    b"--B\r\nContent-Type: text/plain\r\nX-Mailer: of a part\r\n\r\nend\r\n--B--\r\n"
)


def forwarded_messages_leave_as_they_were(site: Site) -> None:
    """Privacy ends with the outermost header: an attached message keeps every byte, and a resent one its way."""
    recipient = f"{uuid.uuid4().hex}@outside.test"
    names = {
        b"user": site.bob.encode(),
        b"host": site.workspace.hostname.encode(),
        b"domain": site.domain.encode(),
        b"id": uuid.uuid4().hex.encode(),
    }
    attached, former = ATTACHED % names, FORMER_HOP % names
    site.submit_as_written(FORWARD % {**names, b"attached": attached, b"former": former}, recipient)
    seen = site.arrived_outside(recipient).replace(b"\n", b"\r\n")
    head, _, body = seen.partition(b"\r\n\r\n")
    assert attached in body
    assert b"X-Mailer: of a part\r\n" in body
    assert former.rstrip() in head, "where a message came from that a user sends on"
    told = (b"User-Agent", b"Authenticated sender", b"laptop", str(site.lab.plan.operator.ipv4).encode())
    assert not [word for word in told if word in head]


def signers(site: Site, received: bytes) -> list[str]:
    """The domains whose signature on a message, as the world received it, is good by the keys that were made."""
    known = load_facts(facts_path_for(site.workspace.plan))
    keys = {key.selector: key_record(key) for record in known.servers.values() for key in record.dkim}

    def published(name: bytes, timeout: int = 5) -> bytes:
        return keys.get(name.decode().partition("._domainkey.")[0], "").encode()

    message = received.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    number = len(re.findall(rb"(?mi)^dkim-signature:", message.partition(b"\r\n\r\n")[0]))
    verifier = dkim.DKIM(message)
    return [verifier.domain.decode() for index in range(number) if verifier.verify(idx=index, dnsfunc=published)]


def domains_of_the_accounts_alone_are_signed_for(site: Site) -> None:
    """A domain that somebody adds in the panel has the server's selector and key at once; nobody runs apply."""
    domain = f"extra-{uuid.uuid4().hex[:6]}.test"
    user = f"dora@{domain}"
    hashed = site.run(f"doveadm pw -s ARGON2ID -p {PASSWORD}").strip()
    site.sql(
        f"INSERT INTO domain (domain, description, transport) VALUES ('{domain}', '', 'virtual');"
        "INSERT INTO mailbox (username, password, name, maildir, local_part, domain) VALUES "
        f"('{user}', '{hashed}', '', '{domain}/dora/', 'dora', '{domain}');"
        f"INSERT INTO alias (address, goto, domain) VALUES ('{user}', '{user}', '{domain}');"
    )
    try:
        seen: list[bytes] = []

        def signed() -> bool:
            letter = other(user, f"{uuid.uuid4().hex}@outside.test")
            data = letter.as_bytes(policy=SMTP)
            if refused(lambda: site.submit_as_written(data, str(letter["To"]), user=user, sender=user)):
                return False
            seen.append(site.arrived_outside(str(letter["To"])))
            return signers(site, seen[-1]) == [domain]

        assert until(signed, 60), seen[-1:]
    finally:
        site.sql(
            f"DELETE FROM domain WHERE domain = '{domain}'; DELETE FROM mailbox WHERE domain = '{domain}';"
            f"DELETE FROM alias WHERE domain = '{domain}';"
        )


PROOFS = (forwarded_messages_leave_as_they_were, domains_of_the_accounts_alone_are_signed_for)
"""Each takes a site with the mailbox bob@ and fails where something is not so."""
