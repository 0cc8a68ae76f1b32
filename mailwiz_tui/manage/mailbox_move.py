"""Moving a mailbox from one of several stores to another, without losing mail or time.

It is copied while it is in use, then set aside for a moment: mail for it waits in the queue, the rest is copied
and compared, and the accounts' database names the new store. That one change is the move; before it the old
store has the mailbox, after it the new one, wherever a controller, a connection or a server breaks off. The same
command again goes on from there; a move back to the old store undoes it.
"""

from __future__ import annotations

import contextlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from mailwiz_tui.agent.protocol.accounts import MailboxPlace
from mailwiz_tui.agent.protocol.moves import (
    BlockMailbox,
    ClaimMailbox,
    ClaimRow,
    DiscardMailbox,
    EndMove,
    FetchMailbox,
    FetchProgress,
    FreezeRow,
    InspectMailbox,
    LookAtMailbox,
    MailboxSize,
    MailboxState,
    OfferMailbox,
    PublishMailbox,
    RetireMailbox,
    SwitchRow,
    ThawRow,
    UnblockMailbox,
    WithdrawMailbox,
)
from mailwiz_tui.agent.protocol.request import Request
from mailwiz_tui.deploy.account_copies import refresh_copies
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.sanitize import clean_text
from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.manage.account_words import known_store, size_words, typed_address
from mailwiz_tui.plan.model import StorageType
from mailwiz_tui.plan.words import counted
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.traffic import internal_name
from mailwiz_tui.topology.servers import account_store, server_of, spread_stores

A = TypeVar("A")
ROOM = 100 * 1024**2
"""Bytes that stay free on the new store beside the mailbox."""
PASSES = 2
"""How often messages are copied while the mailbox is in use; the second time it is what came meanwhile."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What came of it: ``trash`` is where the old copy lies on ``source``, ``found`` where older mail of the
    address went on ``target``; ``seconds`` the time in which mail waited, 0 where it was there already.
    ``undone``: it stays on ``target``. ``note``: what is left to do."""

    address: str
    source: str
    target: str
    messages: int = 0
    seconds: float = 0.0
    trash: str = ""
    found: str = ""
    undone: bool = False
    note: str = ""

    @property
    def line(self) -> str:
        """A sentence for the operator."""
        if self.undone:
            return f"{self.address} stays on {self.target}; the move to {self.source} was undone"
        old = f"; the old copy is on {self.source} in {self.trash}" if self.trash else ""
        older = f"; older mail on {self.target} was moved to {self.found}" if self.found else ""
        if not self.seconds:
            return f"{self.address} is on {self.target}{old}"
        what = f"{counted(self.messages, 'message')}, mail deferred for {self.seconds:.1f} s"
        return f"{self.address} was moved from {self.source} to {self.target}: {what}{old}{older}"


async def move_mailbox(
    engine: EngineApi, address: str, target: str, say: Callable[[str], None] = lambda text: None
) -> Moved:
    """Moves a mailbox to the store ``target``, finishes a move there that broke off, or undoes one from there.

    Raises ValueError for what was typed wrongly, EngineError, AgentError and SshError for what cannot be done.
    """
    address, plan = typed_address(address), engine.plan
    known_store(plan, target)
    if not spread_stores(plan):
        raise EngineError(
            "the plan has one store, so a mailbox cannot be moved",
            "move",
            "give another server the role mail-storage",
        )
    move = _Move(engine, address, target, say)
    place = await move.place()
    source, going = clean_text(place.store), clean_text(place.moving_to)
    if source == target:
        return await move.undo(going) if going else await move.tidy()
    if going not in ("", target):
        advice = f"finish it with: mailbox move PLAN {address} {going}, or undo it with: … {address} {source}"
        raise EngineError(f"{address} is being moved from {source} to {going}", "move", advice)
    return await move.forward(source)


class _Move:
    """One move; ``token`` is what the servers know it by. Mail on a file server stays where it is (``shared``)."""

    def __init__(self, engine: EngineApi, address: str, target: str, say: Callable[[str], None]) -> None:
        self._engine, self._address, self._target, self._say = engine, address, target, say
        self._token = secrets.token_hex(16)
        holder = account_store(engine.plan)
        self._holder = holder.id if holder else target
        self._shared = engine.plan.storage.type is StorageType.NFS

        self._mine = (address, self._token)
        self._stores = spread_stores(engine.plan)

    async def place(self) -> MailboxPlace:
        """Takes the mailbox over in the accounts' database; where it is."""
        return await self._step(self._holder, ClaimRow(*self._mine, self._stores))

    async def _step(self, server_id: str, request: Request[A]) -> A:
        return await (await self._engine.link(server_id)).ask(request)

    async def _look(self, server_id: str) -> MailboxState:
        return await self._step(server_id, LookAtMailbox(self._address))

    async def _claim(self, server_id: str, *, arrives: bool) -> MailboxSize:
        return await self._step(server_id, ClaimMailbox(*self._mine, arrives))

    async def forward(self, source: str) -> Moved:
        """The whole move."""
        target = self._target
        if not self._shared and (await self._look(target)).kept:
            await self._claim(target, arrives=True)
            await self._step(target, RetireMailbox(*self._mine, source))
        here = await self._claim(source, arrives=False)
        there = await self._claim(target, arrives=not self._shared)
        if not self._shared and there.free < here.bytes + ROOM:
            what = f"{target} has {size_words(there.free)} left, and the mailbox holds {size_words(here.bytes)}"
            raise EngineError(what, "move", "make room there, or choose another store")
        try:
            moved = await self._carry(source)
        except BaseException as error:
            await self._give_up(source, error)
            raise
        finally:
            with contextlib.suppress(Exception):
                await self._step(source, WithdrawMailbox(*self._mine))
        return await self._after(moved)

    async def _carry(self, source: str) -> Moved:
        target, found = self._target, ""
        if not self._shared:
            self._say(f"copying {self._address} from {source} to {target} while it is in use")
            for _ in range(PASSES):
                await self._fetch(source)
        self._say(f"setting it aside on {source}; mail for it is deferred from now on")
        begun = time.monotonic()
        await self._step(self._holder, FreezeRow(*self._mine, self._stores, source, target))
        await refresh_copies(self._engine, kick=(self._address,))
        messages = (await self._step(source, BlockMailbox(*self._mine, target))).messages
        if self._shared:
            await self._step(source, UnblockMailbox(*self._mine))
        else:
            arrived = (await self._fetch(source, whole=True)).messages
            stored = (await self._step(target, InspectMailbox(*self._mine))).messages
            if not messages == arrived == stored:
                told = f"{source} has {counted(messages, 'message')}, {target} got {arrived}"
                what = f"{told} and Dovecot there counts {stored}"
                raise EngineError(what, "move", "the mailbox stays where it was; run the same command again")
            self._say(f"{counted(messages, 'message')} compared, the same on both")
            found = clean_text((await self._step(target, PublishMailbox(*self._mine))).found)
        await self._step(self._holder, SwitchRow(*self._mine, self._stores, source, target))
        return Moved(self._address, source, target, messages, time.monotonic() - begun, found=found)

    async def _after(self, moved: Moved) -> Moved:
        """The mailbox has moved; what is left is to tell it, and to put the old copy away."""
        begun = time.monotonic()
        await refresh_copies(self._engine, release=(self._address,))
        moved = replace(moved, seconds=moved.seconds + time.monotonic() - begun)
        try:
            if not self._shared:
                gone = await self._step(moved.source, RetireMailbox(*self._mine, moved.target))
                moved = replace(moved, trash=clean_text(gone.trash))
            await self._end(moved.source, moved.target)
        except Exception as error:
            what = f"the old copy on {moved.source} could not be moved to the trash: {error}"
            moved = replace(moved, note=f"{what}; run the same command again later")
        return moved

    async def _give_up(self, source: str, error: BaseException) -> None:
        """Leaves the mailbox in use where it was; where that cannot be done, it says so."""
        try:
            place = await self.place()
            if place.store != source:
                return
            self._say(f"it stays in use on {source}")
            await self._claim(source, arrives=False)
            await self._back(source, self._target)
        except Exception as further:
            again = f"mailbox move PLAN {self._address} {self._target}"
            what = f"{error}; and it could not be returned to use: {further}. Mail for it is deferred"
            advice = f"finish with: {again}; or undo with {source} instead of {self._target}"
            raise EngineError(clean_text(what), "move", advice) from error

    async def undo(self, going: str) -> Moved:
        """A move away from here broke off, or is not wanted any more."""
        await self._claim(self._target, arrives=False)
        await self._back(self._target, going)
        return Moved(self._address, going, self._target, undone=True)

    async def _back(self, source: str, target: str) -> None:
        await self._step(source, UnblockMailbox(*self._mine))
        await self._step(self._holder, ThawRow(*self._mine, self._stores, source))
        await refresh_copies(self._engine, release=(self._address,))
        with contextlib.suppress(Exception):
            await self._claim(target, arrives=not self._shared)
            if not self._shared:
                await self._step(target, DiscardMailbox(*self._mine))
            await self._step(target, EndMove(*self._mine))
        await self._end(source)

    async def tidy(self) -> Moved:
        """It is there already; what a move that broke off at its very end has left is put away."""
        source = trash = ""
        for store in spread_stores(self._engine.plan) if not self._shared else ():
            with contextlib.suppress(Exception):
                left = await self._look(store)
                mine = store == self._target
                if not (left.kept or left.arriving or left.begun or (mine and left.home == "tombstone")):
                    continue
                await self._claim(store, arrives=not mine)
                if mine:
                    await self._step(store, UnblockMailbox(*self._mine))
                else:
                    gone = clean_text((await self._step(store, RetireMailbox(*self._mine, self._target))).trash)
                    source, trash = (store, gone) if gone else (source, trash)
                await self._step(store, EndMove(*self._mine))
        with contextlib.suppress(Exception):
            await self._end()
        await refresh_copies(self._engine, release=(self._address,))
        return Moved(self._address, source, self._target, trash=trash)

    async def _end(self, *server_ids: str) -> None:
        for server_id in dict.fromkeys((*server_ids, self._holder)):
            await self._step(server_id, EndMove(*self._mine))

    async def _fetch(self, source: str, *, whole: bool = False) -> FetchProgress:
        plan, target = self._engine.plan, self._target
        where = (server_of(plan, source).internal_ip, layout.STORE_SYNC_PORT)
        await self._step(source, OfferMailbox(*self._mine, internal_name(target), *where))
        link, last = await self._engine.link(target), FetchProgress()
        async for last in link.follow(FetchMailbox(*self._mine, internal_name(source), *where, whole)):
            if last.of:
                self._say(f"{last.files} of {counted(last.of, 'file')} copied")
        if not last.done:
            raise EngineError(f"{target} stopped copying", "move", "run the same command again")
        return last
