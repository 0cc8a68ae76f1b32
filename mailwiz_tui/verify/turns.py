"""One verification at a time: a second one reports that it waits, and starts when the first has ended."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from mailwiz_tui.agent.protocol.probes import EndTurn, TakeTurn
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.verify.result import CheckResult, CheckState

CHECK = "server.verifications"
PROVES = "No other verification runs at the same time."
LOOK_SECONDS = 2.0
PATIENCE_SECONDS = 600.0
ADVICE = "Wait until it has ended, then verify again."


@asynccontextmanager
async def turn_of(server_id: str, link: Link, tell: Callable[[CheckResult], None]) -> AsyncIterator[bool]:
    """Hold the server's lock for verifications while the block runs;

    False if another verification held it for too long. Two at once would share the probe mailbox and end each
    other's exemption from fail2ban.
    """
    held = await _taken(server_id, link, tell)
    try:
        yield held
    finally:
        if held:
            with suppress(Exception):
                await link.ask(EndTurn())


async def _taken(server_id: str, link: Link, tell: Callable[[CheckResult], None]) -> bool:
    end = time.monotonic() + PATIENCE_SECONDS
    told = False
    while await _busy(link):
        if not told:
            seen = f"another verification is running on {server_id}; this one waits until it has ended"
            tell(CheckResult(CHECK, server_id, CheckState.NOT_RUN, PROVES, seen, vantage=server_id))
            told = True
        if time.monotonic() >= end:
            seen = f"another verification has been running on {server_id} for {PATIENCE_SECONDS / 60:.0f} min"
            tell(CheckResult(CHECK, server_id, CheckState.FAILED, PROVES, seen, ADVICE, server_id))
            return False
        await asyncio.sleep(LOOK_SECONDS)
    return True


async def _busy(link: Link) -> bool:
    """Whether another verification holds the lock; a server that cannot tell is judged by its checks."""
    try:
        return (await link.ask(TakeTurn())).busy
    except Exception:
        return False
