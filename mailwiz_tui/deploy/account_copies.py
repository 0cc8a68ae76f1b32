"""Tells the servers with a copy of the accounts that something changed."""

from __future__ import annotations

import asyncio

from mailwiz_tui.agent.protocol.accounts import RefreshCopy
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.topology.servers import copy_servers

PATIENCE = 25.0
"""Seconds that a server has to answer; one that does not answer updates its copy by itself within 30 s."""


async def refresh_copies(
    engine: EngineApi, *, kick: tuple[str, ...] = (), release: tuple[str, ...] = ()
) -> list[str]:
    """Updates every copy now; returns the ids of servers where that failed.

    ``kick`` are addresses whose open sessions are ended, ``release`` those whose queued mail is retried.
    """

    async def one(server_id: str) -> bool:
        try:
            async with asyncio.timeout(PATIENCE):
                link = await engine.link(server_id)
                return (await link.ask(RefreshCopy(kick, release))).fresh
        except Exception:
            return False

    servers = [server.id for server in copy_servers(engine.plan)]
    fresh = await asyncio.gather(*(one(server_id) for server_id in servers))
    return [server_id for server_id, done in zip(servers, fresh, strict=True) if not done]
