"""What the controller may ask of a server for moving a mailbox: one table of operations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..core.fault import AgentFault
from ..core.host import Host
from . import mailbox_move, move_link, move_rows, move_state

WORK: dict[str, Callable[..., Any]] = {
    "rows_claim": move_rows.claim,
    "freeze": move_rows.freeze,
    "switch": move_rows.switch,
    "thaw": move_rows.thaw,
    "look": mailbox_move.look,
    "claim": mailbox_move.claim,
    "block": mailbox_move.block,
    "unblock": mailbox_move.unblock,
    "publish": mailbox_move.publish,
    "inspect": mailbox_move.inspect,
    "end": move_state.end,
    "discard": mailbox_move.discard,
    "retire": mailbox_move.retire,
    "offer": move_link.offer,
    "withdraw": lambda host, address, token: move_link.withdraw(address),
    "fetch": move_link.fetch,
}


def work(host: Host, what: str, args: dict[str, Any]) -> Any:
    """Does one step; ``fetch`` is a stream. Raises AgentFault."""
    if what not in WORK:
        raise AgentFault(f"the agent cannot {what!r} mailboxes", "move")
    return WORK[what](host, **args)
