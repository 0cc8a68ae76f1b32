"""A run that is followed from its journal, however long that is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, cast

from mailwiz_tui.deploy.events import Event, LogLine, ServerPhase, Waiting
from mailwiz_tui.deploy.follower import Follower
from mailwiz_tui.deploy.pool import Pool
from mailwiz_tui.fleet.server import Server

CHUNKS = 20


class WholeJournal:
    """A link on which everything has arrived already, and the pool that lends it."""

    async def link(self, server: Server) -> WholeJournal:
        return self

    async def stream(self, op: str, **args: Any) -> AsyncIterator[dict[str, Any]]:
        for chunk in range(CHUNKS):
            lines = [{"t": "log", "at": 1.0, "step": "packages", "text": f"{chunk}.{i}"} for i in range(3)]
            yield {"offset": chunk + 1, "events": lines, "state": "active"}
        yield {"offset": CHUNKS + 1, "events": [{"t": "end", "at": 2.0, "state": "done"}], "state": "ended"}


async def test_a_long_journal_leaves_the_screens_their_turn() -> None:
    got: list[Event] = []
    most = 0

    async def screens() -> None:
        nonlocal most
        seen = 0
        while True:
            most, seen = max(most, len(got) - seen), len(got)
            await asyncio.sleep(0)

    beside = asyncio.create_task(screens())
    outcome = await Follower(cast(Pool, WholeJournal()), Server(id="mx1", host="h"), "r1", got.append).follow()
    beside.cancel()
    assert outcome.state is ServerPhase.DONE
    assert [e.text for e in got if isinstance(e, LogLine)] == [f"{c}.{i}" for c in range(CHUNKS) for i in range(3)]
    assert most == 3


class Waits(WholeJournal):
    """A run that waited for another server."""

    async def stream(self, op: str, **args: Any) -> AsyncIterator[dict[str, Any]]:
        told = {"t": "wait", "step": "accounts", "server": "store1", "what": "accounts \x1b[2Jdatabase"}
        events = [{**told, "at": 1.0, "over": False}, {**told, "at": 9.0, "over": True}]
        yield {"offset": 1, "events": [*events, {"t": "end", "at": 9.0, "state": "done"}], "state": "ended"}


async def test_what_a_run_waits_for_is_told_clean() -> None:
    got: list[Event] = []
    await Follower(cast(Pool, Waits()), Server(id="in1", host="h"), "r1", got.append).follow()
    assert [(e.on, e.over, e.at) for e in got if isinstance(e, Waiting)] == [
        ("store1", False, 1.0),
        ("store1", True, 9.0),
    ]
    assert not any("\x1b" in e.what for e in got if isinstance(e, Waiting))
