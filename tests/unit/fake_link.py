"""An agent in this process: each request crosses the codec, as on the wire, to what a test lets answer it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from typing import TypeVar

from mailwiz_tui.agent.channel import Channel
from mailwiz_tui.agent.core.host import Host
from mailwiz_tui.agent.protocol.codec import to_json
from mailwiz_tui.agent.protocol.request import Operation, Request, Stream
from mailwiz_tui.agent.table import Table
from tests.doubles import LinkDouble, unexpected

A = TypeVar("A")


class FakeLink(LinkDouble):
    """A link that answers with operations, made with ``SomeRequest.by(work)``; it keeps what was asked."""

    def __init__(self, *known: Operation) -> None:
        self.operations = {operation.name: operation for operation in known}
        self.asked: list[object] = []

    async def ask(self, request: Request[A]) -> A:
        """The answer of the operation, which runs in a thread."""
        self.asked.append(request)
        operation = self.operations.get(request.operation) or unexpected(request.operation)
        return request.answer(_crossed(await asyncio.to_thread(operation.carry_out, _crossed(request))))

    async def follow(self, request: Stream[A]) -> AsyncIterator[A]:
        """The items of the operation."""
        self.asked.append(request)
        items = self.operations[request.operation].carry_out(_crossed(request))
        assert isinstance(items, Iterator)
        for item in await asyncio.to_thread(list, items):
            if item is not None:
                yield request.item(_crossed(item))


def ask(host: Host, request: Request[A]) -> A:
    """What the agent itself answers on a host."""
    operation = Table(Channel(host)).find(request.operation) or unexpected(request.operation)
    return request.answer(_crossed(operation.carry_out(_crossed(request))))


def follow(host: Host, request: Stream[A]) -> Iterator[A]:
    """What the agent itself answers on a host, item by item."""
    operation = Table(Channel(host)).find(request.operation) or unexpected(request.operation)
    items = operation.carry_out(_crossed(request))
    assert isinstance(items, Iterator)
    return (request.item(_crossed(item)) for item in items if item is not None)


def _crossed(value: object) -> object:
    return json.loads(json.dumps(to_json(value)))
