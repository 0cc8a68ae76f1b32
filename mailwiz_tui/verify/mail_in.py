"""A real mail from outside: over port 25 to the probe mailbox, and read back over IMAP."""

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
"""Refusals that speak of the place the mail comes from, not of this mail or its recipient."""


def checks(
    target: Target,
    route: SmtpRoute,
    mailbox: Mailbox,
    fallback: SmtpRoute | None = None,
    reader: Target | None = None,
) -> list[Check]:
    """The one check of incoming mail; ``reader`` is the server to read it at (default: the target)."""
    return [
        Check(
            "mail-in.delivery",
            "A mail from outside reaches a mailbox and can be read there.",
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
    """Deliver over an encrypted connection, coming again while the server asks for it, then read the mail.

    Home and office networks are on lists that a mail server rightly heeds. Where the refusal is about the
    place the mail comes from, ``fallback`` delivers it from another.
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
            "; ".join([*said, f"after {tries} tries the server still asks to come again: {reply}"]),
            "If this is greylisting, it works as meant, and delivery is proved once the waiting time is over: "
            "verify again in some minutes.",
        )
    if not reply.accepted:
        raise Failed("; ".join([*said, f"expected the mail to be accepted, got {reply}"]))
    if tries > 1:
        said.append(f"taken at try {tries}, as the server had asked to come again (greylisting)")
    delivered = await asyncio.to_thread(wait_for, reader or target, mailbox, subject, ARRIVAL)
    return "; ".join([f"accepted with {reply}, found in {delivered.folder}", *said])


async def _offer(route: SmtpRoute, mailbox: Mailbox, text: str, patience: float, pause: float) -> tuple[Reply, int]:
    """The last reply to the mail, or the first that was no yes, and the number of tries."""
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
