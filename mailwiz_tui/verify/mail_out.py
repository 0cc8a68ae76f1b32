"""A real message sent after login: delivered, signed, and its signature verified with the planned DNS record.

The signature is verified by dkimpy, which shares no code with Rspamd (RFC 6376 section 6).
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from functools import partial

import dkim

from mailwiz_tui.agent.protocol.probes import ProbeCommand, RunProbes
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.verify.check import Check, Failed, NotRun, Warned
from mailwiz_tui.verify.mailbox import Mailbox, wait_for
from mailwiz_tui.verify.message import compose, token
from mailwiz_tui.verify.smtp_route import Reply
from mailwiz_tui.verify.submission import connected, expect, login, say
from mailwiz_tui.verify.target import SUBMISSION, SUBMISSIONS, Target

ARRIVAL = 15.0
OUTSIDE_PATIENCE = 25.0
LOG_PAUSE = 1.0


def checks(
    target: Target, mailbox: Mailbox, keys: Mapping[str, str] | None, reader: Target | None = None
) -> list[Check]:
    """Submission on both ports; ``keys`` are the planned DKIM records, text by name, None where signing is off.

    ``reader`` is the server to read the message at (default: the target).
    """
    return [
        Check(
            f"mail-out.{port}",
            f"A message submitted on port {port} is delivered"
            + ("." if keys is None else ", and its DKIM signature verifies with the planned DNS record."),
            partial(check_round_trip, target, port, mailbox, keys, reader),
            "Look at `journalctl -u 'postfix*' -u rspamd -u opendkim` on the server.",
        )
        for port in (SUBMISSION, SUBMISSIONS)
        if target.offers(port)
    ]


def outside_check(target: Target, mailbox: Mailbox, link: Link, to: str) -> Check:
    """Sending to an external address that the operator named."""
    return Check(
        "mail-out.outside",
        f"The next hop accepts a message to {to}.",
        partial(check_outside, target, mailbox, link, to),
        "Look at the reply of the next hop; a time-out means that outgoing port 25 is blocked.",
        target.server_id,
    )


def send(target: Target, port: int, mailbox: Mailbox, recipient: str, text: str) -> Reply:
    """Log in and send one message; the reply to the end of data. Raises ``Failed``, ``OSError``."""
    with connected(target, port) as dialog:
        expect(login(dialog, mailbox.address, mailbox.password.get_secret_value()), "the login")
        expect(say(dialog, f"MAIL FROM:<{mailbox.address}>"), "the sender")
        expect(say(dialog, f"RCPT TO:<{recipient}>"), "the recipient")
        return expect(Reply(*dialog.message(text)), "the mail")


def check_round_trip(
    target: Target, port: int, mailbox: Mailbox, keys: Mapping[str, str] | None, reader: Target | None = None
) -> str:
    """Send to the own address, read it back, verify its signature."""
    subject = token()
    reply = send(
        target, port, mailbox, mailbox.address, compose(mailbox.address, mailbox.address, f"own {subject}")
    )
    delivered = wait_for(reader or target, mailbox, subject, ARRIVAL)
    said = f"accepted with {reply}, found in {delivered.folder}"
    if keys is None:
        return said
    if not keys:
        raise Warned(
            f"{said}; its signature was not verifiedbecause the DKIM key is not known here", "Run prepare first."
        )
    return f"{said}; {check_signature(delivered.raw, target.domain, keys)}"


def check_signature(raw: bytes, domain: str, keys: Mapping[str, str]) -> str:
    """Verify a signature of the sender's domain with a planned record. Raises ``Failed``."""
    names = [_signed_with(value) for value in signatures(raw)]
    mine = [(index, s, d) for index, (s, d) in enumerate(names) if d.lower() == domain.lower()]
    if not mine:
        seen = ", ".join(f"{s} for {d}" for s, d in names) or "none"
        raise Failed(
            f"expected a DKIM signature for {domain}, got {seen}", "Look at Rspamd's dkim_signing settings."
        )
    planned = {name.lower().rstrip("."): text for name, text in keys.items()}
    faults: list[str] = []
    for index, selector, signer in mine:
        name = f"{selector}._domainkey.{signer}".lower()
        if name not in planned:
            faults.append(f"the selector {selector} is not in the plan")
            continue

        def record(asked: bytes, timeout: int = 5) -> bytes:
            return planned.get(asked.decode().lower().rstrip("."), "").encode()

        try:
            if dkim.DKIM(raw).verify(idx=index, dnsfunc=record):
                return f"DKIM signature of {selector} for {signer} verified by dkimpy"
            faults.append(f"the signature of {selector} does not match the planned key")
        except dkim.DKIMException as error:
            faults.append(f"the signature of {selector} cannot be verified: {error}")
    raise Failed(
        f"expected a signature that verifies with the planned record, got: {'; '.join(faults)}",
        "The server's key is not the one stored here: run `mailwiz-tui dns PLAN --refresh` and publish the record "
        "again.",
    )


def signatures(raw: bytes) -> list[str]:
    """The DKIM-Signature fields of a message, unfolded, in order."""
    head = re.split(rb"\r?\n\r?\n", raw, maxsplit=1)[0].decode("utf-8", "replace")
    unfolded = re.sub(r"\r?\n[ \t]+", " ", head)
    return [line.partition(":")[2] for line in unfolded.splitlines() if line.lower().startswith("dkim-signature:")]


def _signed_with(value: str) -> tuple[str, str]:
    tags = {k.strip(): v.strip() for k, _, v in (part.partition("=") for part in value.split(";"))}
    return tags.get("s", ""), tags.get("d", "")


async def check_outside(
    target: Target, mailbox: Mailbox, link: Link, to: str, *, patience: float = OUTSIDE_PATIENCE
) -> str:
    """Send, then follow the message in the server's log until the next hop has answered."""
    port = SUBMISSIONS if target.offers(SUBMISSIONS) else SUBMISSION
    text = compose(mailbox.address, to, f"Test of the mail server {target.hostname}")
    reply = await asyncio.to_thread(send, target, port, mailbox, to, text)
    found = re.search(r"queued as ([0-9A-Za-z]+)", reply.text)
    if not found:
        raise NotRun(f"accepted with {reply}but without a queue id, so it cannot be followed")
    queue_id = found.group(1)
    argv = ("journalctl", "-q", "--no-pager", "-o", "cat", "--since=-3min", "-g", f"{queue_id}: to=")
    deadline = time.monotonic() + patience
    said = ""
    while time.monotonic() < deadline:
        (answer,) = await link.ask(RunProbes((ProbeCommand("log", argv),)))
        lines = [line for line in answer.output.splitlines() if f"{queue_id}:" in line and "status=" in line]
        if lines:
            said = lines[-1].partition("status=")[2]
            if said.startswith("sent"):
                return f"{to}: {said}"
            if said.startswith("bounced"):
                raise Failed(f"expected the next hop to accept {to}, got {said}")
        await asyncio.sleep(LOG_PAUSE)
    if said:
        raise Failed(f"expected delivery to {to}, but it is deferred: {said}")
    raise Warned(f"no delivery attempt of {queue_id} logged within {patience:.0f} s; it is in the queue")
