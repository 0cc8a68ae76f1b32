"""A run that is followed from its journal, however long that is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import cast

from mailwiz_tui.agent.protocol.journal import EndEvent, LogEvent, WaitEvent, line_of
from mailwiz_tui.agent.protocol.runs import FollowRun, JournalChunk
from mailwiz_tui.deploy.events import Event, LogLine, ServerPhase, Waiting
from mailwiz_tui.deploy.follower import Follower
from mailwiz_tui.deploy.pool import Pool
from mailwiz_tui.fleet.server import Server

CHUNKS = 20


class WholeJournal:
    """A link on which everything has arrived already, and the pool that lends it."""

    async def link(self, server: Server) -> WholeJournal:
        return self

    async def follow(self, request: FollowRun) -> AsyncIterator[JournalChunk]:
        for chunk in range(CHUNKS):
            lines = (line_of(LogEvent("packages", f"{chunk}.{i}"), 1.0) for i in range(3))
            yield JournalChunk(chunk + 1, tuple(lines), "active")
        yield JournalChunk(CHUNKS + 1, (line_of(EndEvent("done"), 2.0),), "ended")


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

    async def follow(self, request: FollowRun) -> AsyncIterator[JournalChunk]:
        told = WaitEvent("accounts", "store1", "accounts \x1b[2Jdatabase")
        events = (line_of(told, 1.0), line_of(replace(told, over=True), 9.0), line_of(EndEvent("done"), 9.0))
        yield JournalChunk(1, events, "ended")


async def test_what_a_run_waits_for_is_told_clean() -> None:
    got: list[Event] = []
    await Follower(cast(Pool, Waits()), Server(id="in1", host="h"), "r1", got.append).follow()
    assert [(e.on, e.over, e.at) for e in got if isinstance(e, Waiting)] == [
        ("store1", False, 1.0),
        ("store1", True, 9.0),
    ]
    assert not any("\x1b" in e.what for e in got if isinstance(e, Waiting))
