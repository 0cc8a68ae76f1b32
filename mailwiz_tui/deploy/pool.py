"""One open connection with a running agent per server, shared by everything the program does there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from mailwiz_tui.deploy.agent_link import AgentConnection, AgentLink
from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.fleet.server import Server

if TYPE_CHECKING:
    from mailwiz_tui.deploy.ssh import Tunnels

OnProgress = Callable[[str], None]
Connect = Callable[[Server], Awaitable[AgentConnection]]


class Pool:
    """Opens links on first use, and again after they were lost.

    ``connect`` and ``root`` are for rehearsals without SSH; by default connections are made with
    ``deploy.ssh`` and share jump hosts and passwords typed once.
    """

    def __init__(self, prompts: Prompts, *, connect: Connect | None = None, root: str = "/") -> None:
        self._prompts = prompts
        self._connect = connect or self._over_ssh
        self._root = root
        self._links: dict[str, AgentLink] = {}
        self._locks: dict[str, asyncio.Lock] = {}
        self._tunnels: Tunnels | None = None

    async def link(self, server: Server, on_progress: OnProgress | None = None) -> AgentLink:
        """The server's link, opened if none is alive. Raises SshError and AgentError."""
        async with self._locks.setdefault(server.id, asyncio.Lock()):
            link = self._links.get(server.id)
            if link is not None and link.alive:
                return link
            if link is not None:
                await self._close(link)
                del self._links[server.id]
            link = await self.fresh(server, on_progress)
            self._links[server.id] = link
            return link

    async def fresh(self, server: Server, on_progress: OnProgress | None = None) -> AgentLink:
        """A link over a connection of its own; the caller closes it with ``release``."""
        connection = await self._connect(server)
        try:
            return await AgentLink.open(connection, root=self._root, on_progress=on_progress)
        except BaseException:
            await connection.close()
            raise

    async def release(self, link: AgentLink) -> None:
        """Closes a link that ``fresh`` returned."""
        await self._close(link)

    async def drop(self, server: Server) -> None:
        """Forgets a server's link, so that the next one is opened anew."""
        if link := self._links.pop(server.id, None):
            await self._close(link)

    async def close(self) -> None:
        """Ends all links."""
        links, self._links = list(self._links.values()), {}
        await asyncio.gather(*(self._close(link) for link in links))
        if self._tunnels is not None:
            await self._tunnels.close()
            self._tunnels = None

    async def _over_ssh(self, server: Server) -> AgentConnection:
        from mailwiz_tui.deploy.ssh import Tunnels, connect

        if self._tunnels is None:
            self._tunnels = Tunnels()
        return await connect(server, self._prompts, tunnels=self._tunnels)

    async def _close(self, link: AgentLink) -> None:
        with contextlib.suppress(Exception):
            await link.close()
        if link.connection is not None:
            with contextlib.suppress(Exception):
                await link.connection.close()
