"""A real mail from outside: over port 25 to the probe mailbox, and read back over IMAP."""

from __future__ import annotations

import asyncio
import time
from functools import partial

from mailwiz_tui.verify.check import Check, Failed, Warned
from mailwiz_tui.verify.courier import Courier, Reply
from mailwiz_tui.verify.mailbox import Delivered, Mailbox, wait_for
from mailwiz_tui.verify.message import OUTSIDER, compose, token
from mailwiz_tui.verify.target import Target

ARRIVAL = 15.0
GREYLIST_PATIENCE = 20.0
GREYLIST_PAUSE = 5.0


def checks(target: Target, courier: Courier, mailbox: Mailbox) -> list[Check]:
    """The one check of incoming mail."""
    return [
        Check(
            "mail-in.delivery",
            "A mail from outside reaches a mailbox and can be read there.",
            partial(check_delivery, target, courier, mailbox),
            "Look at `journalctl -u postfix@-` and `journalctl -u dovecot` on the server.",
            courier.vantage,
        )
    ]


async def check_delivery(
    target: Target,
    courier: Courier,
    mailbox: Mailbox,
    *,
    patience: float = GREYLIST_PATIENCE,
    pause: float = GREYLIST_PAUSE,
) -> str:
    """Deliver over an encrypted connection, come again while the server asks for it, then read the mail."""
    subject = token()
    text = compose(OUTSIDER, mailbox.address, f"incoming {subject}")
    deadline = time.monotonic() + patience
    tries = 0
    while True:
        tries += 1
        replies = await courier.talk(
            "EHLO", "STARTTLS", "EHLO", "MAIL FROM:<>", f"RCPT TO:<{mailbox.address}>", [text]
        )
        stopped = next((r for r in replies if not r.accepted), None)
        if stopped is None:
            break
        if not stopped.later:
            raise Failed(f"expected the mail to be accepted, got {stopped}")
        if time.monotonic() + pause > deadline:
            raise Warned(
                f"after {tries} tries in {patience:.0f} s the server still asks to come again: {stopped}",
                "If this is greylisting, it works as meant, and delivery is proved once the waiting time is over: "
                "verify again in some minutes.",
            )
        await asyncio.sleep(pause)
    delivered = await asyncio.to_thread(wait_for, target, mailbox, subject, ARRIVAL)
    return _told(delivered, replies[-1], tries, courier)


def _told(delivered: Delivered, reply: Reply, tries: int, courier: Courier) -> str:
    said = [f"accepted with {reply}, found in {delivered.folder}"]
    if tries > 1:
        said.append(f"taken at try {tries}: the server asked to come again first (greylisting)")
    if courier.why:
        said.append(courier.why)
    return "; ".join(said)
