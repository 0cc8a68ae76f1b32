"""What the world receives is what a user wrote and the server signed; for a server with any filter."""

from __future__ import annotations

import contextlib
import re
import smtplib
import uuid
from email.policy import SMTP
from pathlib import Path

import dkim
import pytest

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


def signers(plan: Path, received: bytes) -> list[str]:
    """The domains whose signature on a message, as the world received it, is good by the keys that were made."""
    known = load_facts(facts_path_for(plan))
    keys = {key.selector: key_record(key) for record in known.servers.values() for key in record.dkim}

    def published(name: bytes, timeout: int = 5) -> bytes:
        return keys.get(name.decode().partition("._domainkey.")[0], "").encode()

    message = received.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    number = len(re.findall(rb"(?mi)^dkim-signature:", message.partition(b"\r\n\r\n")[0]))
    verifier, good = dkim.DKIM(message), []
    for index in range(number):
        with contextlib.suppress(dkim.DKIMException):
            if verifier.verify(idx=index, dnsfunc=published):
                good.append(verifier.domain.decode())
    return good


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
            return signers(site.workspace.plan, seen[-1]) == [domain]

        assert until(signed, 60), seen[-1:]
    finally:
        site.sql(
            f"DELETE FROM domain WHERE domain = '{domain}'; DELETE FROM mailbox WHERE domain = '{domain}';"
            f"DELETE FROM alias WHERE domain = '{domain}';"
        )


def text(site: Site, *fields: str, body: str = "hello\r\n", sender: str = "") -> bytes:
    """A message of bob's as he writes it, with further fields."""
    head = [f"From: {sender or site.bob}", "To: lou@outside.test", f"Subject: {uuid.uuid4().hex}"]
    head += ["Date: Mon, 30 Nov 2026 16:00:00 +0000", f"Message-ID: <{uuid.uuid4().hex}@{site.domain}>"]
    return "\r\n".join([*head, "MIME-Version: 1.0", *fields, "", body]).encode()


def sent(site: Site, data: bytes) -> bytes:
    """What the world receives of a message of bob's, signed as it must be; the signature covers every field."""
    recipient = f"{uuid.uuid4().hex}@outside.test"
    site.submit_as_written(data, recipient)
    received = site.arrived_outside(recipient)
    assert signers(site.workspace.plan, received) == [site.domain], received
    return received


def long_lines_are_folded_before_they_are_signed_or_refused(site: Site) -> None:
    """A reply in a long thread goes; a line of the text that nobody may wrap comes back with the reason."""
    thread = [f"<{number:030d}@mail.elsewhere.test>" for number in range(26)]
    assert len(" ".join(thread)) > 1300
    for between in (" ", ""):
        received = sent(site, text(site, "References: " + between.join(thread), f"In-Reply-To: {thread[-1]}"))
        head = received.partition(b"\n\n")[0]
        assert max(map(len, head.split(b"\n"))) <= 998
        field = re.search(rb"(?m)^References:(?:.*\n[ \t])*.*", head)
        assert field is not None
        assert re.findall(rb"<[^>]*>", field[0]) == [name.encode() for name in thread]
    many = ",".join(f"person{number}@outside.test" for number in range(300))
    received = sent(site, text(site, f"Cc: {many}"))
    assert received.count(b"@outside.test") > 300
    sent(site, text(site, body="x" * 998 + "\r\n"))
    html = "Content-Type: text/html; charset=utf-8"
    for data in (
        text(site, html, body="<p>" + "x" * 1200 + "</p>\r\n"),
        text(site, html, body="<p>" + "x " * 100_000 + "</p>\r\n"),
        text(site, "X-Data: " + "x" * 5000),
    ):
        with pytest.raises(smtplib.SMTPDataError, match=r"5\.6\.0.*RFC 5322 section 2\.1\.1") as refusal:
            site.submit_as_written(data, "lou@outside.test")
        assert refusal.value.smtp_code == 554


def eight_bit_text_is_sent_as_it_was_signed(site: Site) -> None:
    """Even to a server that does not say that it takes eight bits: encoding on the way out would break the seal."""
    site.lab.outside.run("postconf smtpd_discard_ehlo_keywords=8bitmime,smtputf8,chunking && postfix reload")
    try:
        received = sent(
            site,
            text(
                site,
                "Content-Type: text/plain; charset=utf-8",
                "Content-Transfer-Encoding: 8bit",
                body="Grüße aus Köln\r\n",
            ),
        )
        assert "Grüße aus Köln".encode() in received
    finally:
        site.lab.outside.run("postconf -X smtpd_discard_ehlo_keywords && postfix reload")


def what_others_signed_is_delivered_and_forwarded_as_it_is(site: Site) -> None:
    """Long lines of others are theirs: the signature is good in the mailbox and where an alias leads outside."""
    alias, target = f"{uuid.uuid4().hex}@{site.domain}", f"{uuid.uuid4().hex}@outside.test"
    site.sql(
        f"INSERT INTO alias (address, goto, domain) VALUES ('{alias}', '{target},{site.carol}', '{site.domain}')"
    )
    subject = uuid.uuid4().hex
    head = f"From: alice@outside.test\r\nTo: {alias}\r\nSubject: {subject}\r\n"
    head += "Date: Mon, 30 Nov 2026 16:00:00 +0000\r\nMessage-ID: <" + uuid.uuid4().hex + "@outside.test>\r\n"
    data = (head + "X-Long: " + " y" * 1500 + "\r\n\r\nWe meet on Tuesday. " + "x" * 3000 + "\r\nend\r\n").encode()
    key = site.lab.paths.dkim_key.read_bytes()
    signature = dkim.sign(data, b"lab", b"outside.test", key, include_headers=[b"from", b"subject", b"x-long"])
    done = site.lab.outside.swaks(
        "--server", site.workspace.address, "--from", "alice@outside.test", "--to", alias,
        "--helo", "mail.outside.test", "--data", "-", stdin=(signature + data).decode().replace("\r\n", "\n"),
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    number = site.found(site.carol, "INBOX", subject)
    client = site.imap(site.carol)
    client.select("INBOX", readonly=True)
    stored = client.uid("FETCH", number.decode(), "(BODY.PEEK[])")[1][0]
    client.logout()
    assert isinstance(stored, tuple)
    public = site.lab.outside.run(["kdig", "+short", "TXT", "lab._domainkey.outside.test"]).stdout
    record = "".join(re.findall(r'"([^"]*)"', public)).encode()
    for place, received in (("mailbox", stored[1]), ("forwarded", site.arrived_outside(target))):
        message = received.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        own = [
            n
            for n, d in enumerate(re.findall(rb"(?mi)^dkim-signature:(?:.*\r\n[ \t])*.*", message))
            if b"outside.test" in d
        ]
        verifier = dkim.DKIM(message)
        assert verifier.verify(idx=own[0], dnsfunc=lambda name, timeout=5: record), (place, message)


PROOFS = (
    forwarded_messages_leave_as_they_were,
    domains_of_the_accounts_alone_are_signed_for,
    long_lines_are_folded_before_they_are_signed_or_refused,
    eight_bit_text_is_sent_as_it_was_signed,
    what_others_signed_is_delivered_and_forwarded_as_it_is,
)
"""Each takes a site with the mailbox bob@ and fails where something is not so."""
