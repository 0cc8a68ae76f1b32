"""Backups seen from the controller: made, listed and restored on each server that keeps mailboxes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass

from pydantic import SecretStr

from mailwiz_tui.agent.protocol.backup import FollowBackup, ListBackups, StartBackup, StartRestore, UnlockBackup
from mailwiz_tui.agent.protocol.codec import Secret
from mailwiz_tui.deploy.agent_link import AgentError, Link
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.sanitize import clean_text
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.topology.servers import stores


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One backup: its id, when it was made (RFC 3339) and of which mail host."""

    id: str
    time: str
    host: str


@dataclass(frozen=True, slots=True)
class Progress:
    """What a backup or a restore says: a sentence, or how far the copying is in percent."""

    text: str = ""
    percent: int | None = None
    done: bool = False


def backup_servers(plan: Plan) -> tuple[str, ...]:
    """The servers with mailboxes, the one with the accounts first; none where no backup is planned."""
    if not plan.backup.target:
        return ()
    return tuple(server.id for server in stores(plan))


class Backups:
    """The backups of one of a plan's servers. Methods raise AgentError for what it refuses or fails to do."""

    def __init__(self, engine: EngineApi, server_id: str) -> None:
        self._engine = engine
        self._server_id = server_id

    async def unlock(self, key: SecretStr) -> None:
        """Lets the server go on with a backup that another installation made."""
        await (await self._link()).ask(UnlockBackup(Secret(key.get_secret_value())))

    async def snapshots(self) -> list[Snapshot]:
        """The backups, oldest first."""
        found = await (await self._link()).ask(ListBackups())
        return [Snapshot(clean_text(row.id), clean_text(row.time), clean_text(row.host)) for row in found]

    async def run(self) -> AsyncIterator[Progress]:
        """Makes a backup now, or follows the one being made."""
        async for progress in self._carry_out(StartBackup()):
            yield progress

    async def restore(self, snapshot: str = "latest") -> AsyncIterator[Progress]:
        """Brings a backup in, beside what is there."""
        async for progress in self._carry_out(StartRestore(snapshot)):
            yield progress

    async def _carry_out(self, request: StartBackup | StartRestore) -> AsyncIterator[Progress]:
        link = await self._link()
        started = await link.ask(request)
        async for said in link.follow(FollowBackup(started.unit)):
            text = clean_text(said.text)
            match said.event:
                case "failed":
                    raise AgentError(clean_text(said.what), "backup", clean_text(said.advice))
                case "progress":
                    yield Progress(percent=said.percent)
                case "done":
                    yield Progress(text, done=True)
                case _:
                    yield Progress(text)

    async def _link(self) -> Link:
        return await self._engine.link(self._server_id)
