"""Counts the messages in the mailbox, and compares them with what servers accepted."""

from __future__ import annotations

import asyncio
import imaplib
import re
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

from mailwiz_tui.verify.drill.record import Message
from mailwiz_tui.verify.mailbox import FOLDERS, Mailbox, session
from mailwiz_tui.verify.target import Target

PAUSE = 2.0
_TOKEN = re.compile(rb"mwcheck[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Counts:
    """``missing`` and ``twice`` are tokens of messages.

    ``accepted`` messages got their 250, ``delivered`` of them are in the mailbox. ``repeated`` were delivered more
    than once after a sender got no reply and sent them again; ``twice`` without such a reason. ``unconfirmed`` were
    delivered, but their sender never got a 250.
    """

    sent: int
    accepted: int
    delivered: int
    missing: tuple[str, ...] = ()
    repeated: int = 0
    twice: tuple[str, ...] = ()
    unconfirmed: int = 0


def compare(messages: Iterable[Message], found: Counter[str]) -> Counts:
    """What became of each message."""
    known = list(messages)
    accepted = [message for message in known if message.accepted]
    return Counts(
        sent=len(known),
        accepted=len(accepted),
        delivered=sum(1 for message in accepted if found[message.token]),
        missing=tuple(message.token for message in accepted if not found[message.token]),
        repeated=sum(1 for message in known if 1 < found[message.token] <= message.copies),
        twice=tuple(message.token for message in known if found[message.token] > max(1, message.copies)),
        unconfirmed=sum(1 for message in known if not message.accepted and found[message.token]),
    )


def tokens(target: Target, mailbox: Mailbox) -> Counter[str]:
    """How often each token is in the mailbox. Raises ``OSError``, ``imaplib.IMAP4.error``."""
    found: Counter[str] = Counter()
    with session(target, mailbox) as imap:
        for folder in FOLDERS:
            state, told = imap.select(folder, readonly=True)
            if state != "OK" or not int(told[0] or b"0"):
                continue
            _, parts = imap.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
            for part in parts:
                if isinstance(part, tuple):
                    found.update(token.decode() for token in _TOKEN.findall(part[1]))
    return found


async def delivered(target: Target, mailbox: Mailbox, wanted: Iterable[str], seconds: float) -> Counter[str] | None:
    """The tokens in the mailbox as soon as all ``wanted`` ones are there, else after ``seconds``.

    It is read once more after that, because a second copy may follow. None if it could never be read.
    """
    end, expected, found = time.monotonic() + seconds, set(wanted), None
    while True:
        with suppress(OSError, imaplib.IMAP4.error):
            found = await asyncio.to_thread(tokens, target, mailbox)
        complete = found is not None and expected <= found.keys()
        if complete or time.monotonic() > end:
            break
        await asyncio.sleep(PAUSE)
    await asyncio.sleep(PAUSE)
    with suppress(OSError, imaplib.IMAP4.error):
        found = await asyncio.to_thread(tokens, target, mailbox)
    return found
