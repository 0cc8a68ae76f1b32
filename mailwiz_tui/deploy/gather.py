"""Work on several servers at once, where one that fails does not stop the others."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


async def gather_servers(
    server_ids: Sequence[str], work: Callable[[str], Awaitable[T]]
) -> dict[str, T | BaseException]:
    """The result of the work on each server, or its exception; raises only if it was cancelled."""

    async def one(server_id: str) -> T:
        return await work(server_id)

    results = await asyncio.gather(*(one(i) for i in server_ids), return_exceptions=True)
    for result in results:
        if isinstance(result, asyncio.CancelledError):
            raise result
    return dict(zip(server_ids, results, strict=True))


def unwrap(result: T | BaseException) -> T:
    """The value of one result of ``gather_servers``; raises its exception if the work failed."""
    if isinstance(result, BaseException):
        raise result
    return result
