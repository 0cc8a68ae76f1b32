"""The servers of a plan whose store moves: which has it, and taking one out of service and back."""

from __future__ import annotations

from mailwiz_tui.agent.protocol.cluster import AskCluster, ClusterState, DrainNode, ReturnNode
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.gather import gather_servers
from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.topology.servers import voters

View = ClusterState | OperatorError
"""The cluster as one server sees it, or why it does not answer."""


class Nodes:
    """Raises ``EngineError`` for a plan whose store does not move, and for servers that it lacks."""

    def __init__(self, engine: EngineApi) -> None:
        self._engine = engine
        self._ids = tuple(server.id for server in voters(engine.plan))
        if not self._ids:
            raise EngineError(
                "only the mailboxes of a cluster move between servers",
                "PLAN",
                "in this plan each mailbox stays on its server",
            )

    async def status(self) -> dict[str, View]:
        """The cluster as each server sees it, in the plan's order."""

        async def ask(server_id: str) -> ClusterState:
            return await (await self._engine.link(server_id)).ask(AskCluster())

        found: dict[str, View] = {}
        for server_id, answer in (await gather_servers(self._ids, ask)).items():
            if isinstance(answer, (ClusterState, OperatorError)):
                found[server_id] = answer
            elif isinstance(answer, BaseException):
                raise answer
        return found

    async def drain(self, server_id: str) -> ClusterState:
        """Takes a server out of service; the mailboxes move to the other one first, if it has them."""
        return await (await self._engine.link(self._known(server_id))).ask(DrainNode())

    async def bring_back(self, server_id: str) -> ClusterState:
        """Lets a drained server take part again."""
        return await (await self._engine.link(self._known(server_id))).ask(ReturnNode())

    def _known(self, server_id: str) -> str:
        if server_id not in self._ids:
            raise EngineError(
                f"{server_id or 'no server'} is not a server of this plan",
                "NODE",
                f"its servers are {', '.join(self._ids)}",
            )
        return server_id
