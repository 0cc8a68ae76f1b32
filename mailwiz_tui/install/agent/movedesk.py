"""What the controller may ask of a server for moving a mailbox: one table of operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from . import mailmove, movelink, moverows, movestate
from .fault import AgentFault
from .host import Host

WORK: dict[str, Callable[..., Any]] = {
    "rows_claim": moverows.claim,
    "freeze": moverows.freeze,
    "switch": moverows.switch,
    "thaw": moverows.thaw,
    "look": mailmove.look,
    "claim": mailmove.claim,
    "block": mailmove.block,
    "unblock": mailmove.unblock,
    "publish": mailmove.publish,
    "inspect": mailmove.inspect,
    "end": movestate.end,
    "discard": mailmove.discard,
    "retire": mailmove.retire,
    "offer": movelink.offer,
    "withdraw": lambda host, address, token: movelink.withdraw(address),
    "fetch": movelink.fetch,
}


def work(host: Host, what: str, args: dict[str, Any]) -> Any:
    """Does one step; ``fetch`` is a stream. Raises AgentFault."""
    if what not in WORK:
        raise AgentFault(f"the agent cannot {what!r} mailboxes", "move")
    return WORK[what](host, **args)
