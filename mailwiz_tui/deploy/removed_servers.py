"""Servers removed from the plan: their queues are checked before the others stop accepting their connections.

Nothing is changed on such a server. Its queued mail could not be delivered once the other servers reject its
connections, so those stay unchanged until its queue is empty.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from mailwiz_tui.agent.protocol.probes import ProbeCommand, RunProbes
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.published import departed
from mailwiz_tui.plan.words import counted

PATIENCE = 20.0
"""Seconds that a removed server has to answer; it may no longer exist."""
_QUEUE = "cd /var/spool/postfix && find maildrop incoming active deferred -type f 2>/dev/null | wc -l"


def removed_servers(plan: Plan, known: FactsFile) -> list[str]:
    """The servers removed from the plan that were not reported to the operator yet."""
    return [server_id for server_id in departed(plan, known.members()) if server_id not in known.removed_servers]


def words(plan: Plan, known: FactsFile) -> list[str]:
    """A sentence for the operator about each of them."""
    return [
        f"{server_id} was removed from the plan: the other servers reject its connections, and nothing was changed "
        "on it. mailwiz-tui dns PLAN --check lists its DNS records, --publish removes them. Then switch it off, or "
        "reinstall it"
        for server_id in removed_servers(plan, known)
    ]


def mark_told(plan: Plan, known: FactsFile) -> None:
    """Store that the operator has been told."""
    known.removed_servers = departed(plan, known.members())


async def refuse_waiting_mail(
    plan: Plan, known: FactsFile, inventory: Inventory, link_to: Callable[[Server], Awaitable[Link]]
) -> None:
    """Raises EngineError if mail is queued on a removed server; one that does not answer is skipped."""
    for server_id in removed_servers(plan, known):
        server = inventory.get(server_id)
        if server is None:
            continue
        try:
            async with asyncio.timeout(PATIENCE):
                link = await link_to(server)
                probe = ProbeCommand("queue", ("sh", "-c", _QUEUE))
                (answer,) = await link.ask(RunProbes((probe,)))
            waiting = int(answer.output.strip() or 0)
        except Exception:  # noqa: S112
            continue
        if waiting:
            raise EngineError(
                f"it was removed from the plan, but its queue holds {counted(waiting, 'message')} for the other "
                "servers",
                server_id,
                "remove its MX record first; on the server, postqueue -f flushes the queue and mailq shows the "
                "rest; then run apply. If it is not in the inventory, its queue is not checked",
            )
