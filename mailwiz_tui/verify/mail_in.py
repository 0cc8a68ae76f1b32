"""A real message from outside: over port 25 to the probe mailbox, read back over IMAP."""

from __future__ import annotations

import asyncio
import re
import time
from functools import partial

from mailwiz_tui.verify.check import Check, Failed, Warned
from mailwiz_tui.verify.mailbox import Mailbox, wait_for
from mailwiz_tui.verify.message import OUTSIDER, compose, token
from mailwiz_tui.verify.smtp_route import Reply, SmtpRoute
from mailwiz_tui.verify.target import Target

ARRIVAL = 12.0
GREYLIST_PATIENCE = 10.0
GREYLIST_PAUSE = 5.0
ABOUT_SENDER = re.compile(
    r"blocked using|listed|blocklist|blacklist|reputation|4\.7\.1 try again|greylist", re.IGNORECASE
)
"""Rejections because of the client's address, not because of the message or its recipient."""


def checks(
    target: Target,
    route: SmtpRoute,
    mailbox: Mailbox,
    fallback: SmtpRoute | None = None,
    reader: Target | None = None,
) -> list[Check]:
    """The check of incoming mail; ``reader`` is the server to read it at (default: the target)."""
    return [
        Check(
            "mail-in.delivery",
            "A message from outside is delivered to a mailbox and read over IMAP.",
            partial(check_delivery, target, route, mailbox, fallback, reader),
            "Look at `journalctl -u 'postfix*'` and `journalctl -u dovecot` on the server.",
            route.vantage,
        )
    ]


async def check_delivery(
    target: Target,
    route: SmtpRoute,
    mailbox: Mailbox,
    fallback: SmtpRoute | None = None,
    reader: Target | None = None,
    *,
    patience: float = GREYLIST_PATIENCE,
    pause: float = GREYLIST_PAUSE,
) -> str:
    """Deliver over TLS, repeating while the server defers, then read the message.

    Home and office networks are on blocklists that a mail server rightly uses. If the rejection is about the
    client's address, ``fallback`` delivers from another one.
    """
    subject = token()
    text = compose(OUTSIDER, mailbox.address, f"incoming {subject}")
    said: list[str] = [route.why] if route.why else []
    reply, tries = await _offer(route, mailbox, text, patience, pause)
    if not reply.accepted and fallback and ABOUT_SENDER.search(str(reply)):
        said.append(f"from {route.vantage} the answer was {reply}, so it was delivered from {fallback.vantage}")
        reply, tries = await _offer(fallback, mailbox, text, patience, pause)
    if reply.later and ABOUT_SENDER.search(str(reply)):
        raise Warned(
            "; ".join([*said, f"after {tries} tries the server still defers: {reply}"]),
            "This may be greylisting: verify again in five minutes.",
        )
    if not reply.accepted:
        raise Failed("; ".join([*said, f"expected the mail to be accepted, got {reply}"]))
    if tries > 1:
        said.append(f"accepted at try {tries}, after greylisting")
    delivered = await asyncio.to_thread(wait_for, reader or target, mailbox, subject, ARRIVAL)
    return "; ".join([f"accepted with {reply}, found in {delivered.folder}", *said])


async def _offer(route: SmtpRoute, mailbox: Mailbox, text: str, patience: float, pause: float) -> tuple[Reply, int]:
    """The last reply to the message, or the first negative one, and the number of tries."""
    deadline = time.monotonic() + patience
    tries = 0
    while True:
        tries += 1
        steps = ("EHLO", "STARTTLS", "EHLO", "MAIL FROM:<>", f"RCPT TO:<{mailbox.address}>", [text])
        replies = await route.talk(*steps)
        stopped = next((r for r in replies if not r.accepted), replies[-1])
        if not stopped.later or time.monotonic() + pause > deadline:
            return stopped, tries
        await asyncio.sleep(pause)
