"""Waits for something that another server of the plan provides, with progress in the journal."""

from __future__ import annotations

import time

from ..core.context import Context
from ..core.fault import AgentFault
from ..protocol.blueprint import Wait
from ..protocol.journal import WaitEvent

PATIENCE = 60.0
"""Seconds for one try."""
PAUSE = 2.0


def wait(ctx: Context, item: Wait) -> None:
    """Waits until the item's command ends with 0; raises ``AgentFault`` when its time is up."""
    begun, told = time.monotonic(), False
    while reason := _lacking(ctx, item):
        waited = time.monotonic() - begun
        if not told:
            told = True
            _tell(ctx, item, over=False)
            ctx.log(f"waiting for {item.server}: {item.what} ({reason})")
        if waited > item.limit:
            raise AgentFault(
                f"{item.server} did not provide its {item.what} within {item.limit / 60:.0f} min: {reason}",
                item.server,
                f"find out why {item.server} is not installed, then run apply again: it continues from here",
            )
        time.sleep(PAUSE)
    if told:
        _tell(ctx, item, over=True)
        ctx.log(f"{item.server}: {item.what} available after {time.monotonic() - begun:.0f} s")


def _lacking(ctx: Context, item: Wait) -> str:
    """Why it is not there yet, in the command's last words; empty where it is."""
    done = ctx.host.run(item.argv, timeout=PATIENCE)
    if done.ok:
        return ""
    words = ctx.secrets.masked(done.text).strip().split("\n")[-1]
    return (words or f"{item.argv[0]} ended with {done.exit}")[:200]


def _tell(ctx: Context, item: Wait, *, over: bool) -> None:
    if ctx.journal:
        ctx.journal.write(WaitEvent(ctx.journal.step, item.server, item.what, over))
