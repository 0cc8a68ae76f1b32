"""The order of servers in an installation: batches, a health gate between them, and a stop if one fails.

All servers at once is one batch. One after another, each healthy before the next, keeps a service up that several
servers provide. Servers of one batch must not wait for what a later batch provides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace

from mailwiz_tui.deploy.events import ServerPhase
from mailwiz_tui.deploy.gather import gather_servers
from mailwiz_tui.deploy.outcome import ServerOutcome

Gate = Callable[[Collection[str]], Awaitable[Sequence[str]]]
"""Checks the servers of a finished batch and says what is wrong; an empty string if nothing is."""
Before = Callable[[str], Awaitable[None]]
"""Prepares a server for changes, right before they begin; it raises what keeps them from beginning."""
Finish = Callable[[str], Awaitable[ServerOutcome]]


@dataclass(frozen=True, slots=True)
class Order:
    """Batches of server ids, each installed in parallel; ``gate`` decides about the next.

    ``before`` is called for each server that will be changed.

    Requested servers in no batch come last, together. Without batches all are installed at once.
    """

    batches: tuple[tuple[str, ...], ...] = ()
    gate: Gate | None = None
    before: Before | None = None

    @classmethod
    def one_by_one(cls, server_ids: Sequence[str], gate: Gate | None = None) -> Order:
        """One server after another."""
        return cls(tuple((server_id,) for server_id in server_ids), gate)

    def with_before(self, before: Before) -> Order:
        """The same, with something to be done before a server is changed."""
        return replace(self, before=before)

    def of(self, wanted: Sequence[str]) -> list[tuple[str, ...]]:
        """The batches of the requested servers, without empty ones; the first batch that names a server has it."""
        left, found = list(wanted), []
        for batch in (*self.batches, wanted):
            chosen = tuple(server_id for server_id in batch if server_id in left)
            left = [server_id for server_id in left if server_id not in chosen]
            if chosen:
                found.append(chosen)
        return found

    async def carry_out(
        self, wanted: Sequence[str], finish: Finish, tell: Callable[[ServerOutcome], None]
    ) -> dict[str, ServerOutcome | BaseException]:
        """Runs batch after batch; after a failure the remaining servers are reported as not started."""
        ended: dict[str, ServerOutcome | BaseException] = {}
        obstacle = ""
        for batch in (batches := self.of(wanted)):
            if obstacle:
                for server_id in batch:
                    ended[server_id] = outcome = _not_begun(server_id, obstacle)
                    tell(outcome)
                continue
            ended |= await gather_servers(batch, finish)
            obstacle = _failure(batch, ended)
            if not obstacle and self.gate and batch is not batches[-1]:
                obstacle = "; ".join(await self.gate(batch))
        return ended


def _failure(batch: Collection[str], ended: dict[str, ServerOutcome | BaseException]) -> str:
    """The first failure of a batch, in words."""
    for server_id in batch:
        end = ended[server_id]
        if not isinstance(end, ServerOutcome):
            return f"{server_id}: {end}"
        if not end.good:
            return f"{server_id}: {end.reason}"
    return ""


def _not_begun(server_id: str, obstacle: str) -> ServerOutcome:
    return ServerOutcome(
        server_id,
        ServerPhase.FAILED,
        reason=f"not started, because an earlier server failed ({obstacle})",
        advice="repair that server first, then run apply again: it continues from here",
    )
