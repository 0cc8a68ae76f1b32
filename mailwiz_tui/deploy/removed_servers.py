"""Servers that left the plan: nobody talks to them any more, so what they still have is asked for before, and said.

Nothing is changed on such a server. Mail that waits there could not go on once the others have closed their doors,
so as long as there is some the others stay as they are.
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
"""How long a server that left may take to answer, in seconds; it may be gone for good."""
_QUEUE = "cd /var/spool/postfix && find maildrop incoming active deferred -type f 2>/dev/null | wc -l"


def removed_servers(plan: Plan, known: FactsFile) -> list[str]:
    """The servers that left the plan since the operator was last told."""
    return [server_id for server_id in departed(plan, known.members()) if not known.servers[server_id].parted]


def words(plan: Plan, known: FactsFile) -> list[str]:
    """What becomes of each of them, for the operator."""
    return [
        f"{server_id} left the plan: the other servers let it in no more, and nothing was changed on it. Its "
        "records: mailwiz-tui dns PLAN --check shows them, --publish takes them away. Then switch it off, or "
        "install it anew"
        for server_id in removed_servers(plan, known)
    ]


def mark_told(plan: Plan, known: FactsFile) -> None:
    """The operator has been told."""
    for server_id in removed_servers(plan, known):
        known.servers[server_id].parted = True


async def refuse_waiting_mail(
    plan: Plan, known: FactsFile, inventory: Inventory, link_to: Callable[[Server], Awaitable[Link]]
) -> None:
    """Raises EngineError where mail waits on a server that left; one that does not answer cannot be asked."""
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
                f"it left the plan, but {counted(waiting, 'message')} in its queue must go to the others",
                server_id,
                "take its MX record away first; on it, postqueue -f sends them on and mailq shows what is left; "
                "then apply. Without it in the inventory its queue is not looked at",
            )
