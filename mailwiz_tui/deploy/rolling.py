"""The order of changes on servers among which the store moves: it is never where changes are made.

A new installation has no store yet, and all servers are installed at once. Later the servers without the store come
first, one after another. Before the one with the store is changed, the store moves; where nothing is to be done, it
stays. What fails stops the rest, with the store up on a server that was not touched or is complete.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Sequence

from mailwiz_tui.agent.protocol.cluster import AskCluster, ClusterState, GiveStoreAway
from mailwiz_tui.deploy.batches import Order
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.gather import gather_servers
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.topology.servers import voters

PATIENCE = 600.0
"""Seconds for a server to copy what it missed, and for the store to start."""
PAUSE = 2.0


async def order(engine: EngineApi) -> Order:
    """One after another and the server with the store last; all at once where no store moves yet."""
    ids = [server.id for server in voters(engine.plan)]
    store = await _store(engine, ids)
    if not store:
        return Order()

    async def before(server_id: str) -> None:
        """The store moves away; its server is ready for it again when its installation ends."""
        link = await engine.link(server_id)
        if (await link.ask(AskCluster())).store == server_id:
            await link.ask(GiveStoreAway())

    async def gate(batch: Collection[str]) -> Sequence[str]:
        return [text for server_id in batch for text in await _amiss(engine, server_id)]

    return Order.one_by_one([*(i for i in ids if i != store), store], gate).with_before(before)


async def _store(engine: EngineApi, ids: Sequence[str]) -> str:
    """The server with the store; empty if there is none yet."""

    async def ask(server_id: str) -> ClusterState:
        return await (await engine.link(server_id)).ask(AskCluster())

    told = (await gather_servers(ids, ask)).values()
    return next((state.store for state in told if isinstance(state, ClusterState) and state.store), "")


async def _amiss(engine: EngineApi, server_id: str) -> list[str]:
    """Why the next server must not be changed yet; empty if all is well, maybe after what was missed is copied."""
    end = time.monotonic() + PATIENCE
    while True:
        try:
            state = await (await engine.link(server_id)).ask(AskCluster())
        except OperatorError as error:
            return [f"{server_id}: {error.what}"]
        reasons = [f"{server_id}: {reason}" for reason in _reasons(state)]
        if not reasons or time.monotonic() > end:
            return reasons
        await asyncio.sleep(PAUSE)


def _reasons(state: ClusterState) -> list[str]:
    found = [] if state.quorate else ["it sees no majority of the servers"]
    found += [] if state.store else ["no server has the store"]
    if state.volume and not state.volume.complete:
        found.append(f"the volume is {state.volume.disk} here and {state.volume.peer_disk} on the other server")
    return found
