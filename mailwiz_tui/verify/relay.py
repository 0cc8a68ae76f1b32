"""Relay domains: mail is accepted for recipients that the next hop knows, and rejected for all others.

Postfix asks the next hop before it answers (address verification), so each answer also tells whether the next
hop can be reached; an unknown address is never answered from Postfix's cache.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from functools import partial

from mailwiz_tui.verify.check import Check, Failed, Warned
from mailwiz_tui.verify.smtp_route import Reply, SmtpRoute

PATIENCE = 20.0
"""Seconds to repeat the question while Postfix is still verifying the address."""
PAUSE = 2.0


def checks(domains: Sequence[tuple[str, str]], route: SmtpRoute) -> list[Check]:
    """Two checks for each pair of relay domain and next hop."""
    found = []
    for domain, hop in domains:
        advice = (
            f"Look at `journalctl -u 'postfix*'` on the server, and whether {hop} accepts mail for {domain} from "
            "it."
        )
        found += [
            Check(
                f"relay.{domain}.taken",
                f"Mail for {domain} is accepted and relayed to {hop}.",
                partial(check_taken, domain, route),
                advice,
                route.vantage,
            ),
            Check(
                f"relay.{domain}.unknown-recipient",
                f"Mail to an unknown address in {domain} is rejected at RCPT, not bounced later.",
                partial(check_unknown, domain, route),
                advice,
                route.vantage,
            ),
        ]
    return found


async def check_taken(domain: str, route: SmtpRoute, *, patience: float = PATIENCE, pause: float = PAUSE) -> str:
    """Every domain has a postmaster (RFC 5321 section 4.5.1); the next hop accepts it."""
    reply = await _ask(f"postmaster@{domain}", route, patience, pause)
    if reply.later:
        raise Failed(f"expected postmaster@{domain} to be accepted, got {reply}: the next hop does not answer")
    if reply.refused and reply.enhanced in ("1.1", "1.10", ""):
        raise Warned(
            f"the next hop knows no postmaster@{domain}: {reply}",
            "Create the address at the next hop: RFC 5321 section 4.5.1 requires it.",
        )
    if not reply.accepted:
        raise Failed(f"expected postmaster@{domain} to be accepted, got {reply}")
    return f"answered with {reply}"


async def check_unknown(domain: str, route: SmtpRoute, *, patience: float = PATIENCE, pause: float = PAUSE) -> str:
    """An unknown recipient is rejected at RCPT with 550, as the next hop does."""
    reply = await _ask(f"{secrets.token_hex(8)}@{domain}", route, patience, pause)
    if reply.accepted:
        advice = (
            "It must then bounce undeliverable mail to forged senders: configure it to reject unknown recipients "
            "at RCPT."
        )
        raise Warned(f"the next hop of {domain} accepts any address: {reply}", advice)
    if reply.later:
        raise Failed(f"expected 550 for an unknown recipient, got {reply}: the next hop does not answer")
    if reply.code != 550:
        raise Failed(f"expected 550 for an unknown recipient, got {reply}")
    return f"answered with {reply}"


async def _ask(recipient: str, route: SmtpRoute, patience: float, pause: float) -> Reply:
    """The reply to RCPT; repeated while address verification takes longer than Postfix waits for it."""
    deadline = time.monotonic() + patience
    while True:
        *_, reply = await route.talk("EHLO", "MAIL FROM:<>", f"RCPT TO:<{recipient}>")
        if not reply.later or time.monotonic() + pause > deadline:
            return reply
        await asyncio.sleep(pause)
