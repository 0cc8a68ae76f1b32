"""The mailboxes of a drill, and the exemption of this machine from bans while it runs."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator, Mapping
from contextlib import AsyncExitStack, suppress

from mailwiz_tui.agent.protocol.codec import Secret
from mailwiz_tui.agent.protocol.first_accounts import CloseProbeMailbox, OpenProbeMailbox
from mailwiz_tui.deploy.account_copies import refresh_copies
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.store_place import store_place
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.verify import ban_guard
from mailwiz_tui.verify.mailbox import Mailbox, probe_mailbox, store_mailbox
from mailwiz_tui.verify.target import Target

EXPECTED_SECONDS = 300.0
"""How long mail flows in a drill in which all goes well."""
MOST_LOGINS = 20
PATIENCE = 30.0
"""Seconds for a server to answer."""


def wanted(plan: Plan, submitted: float) -> Iterator[Mailbox]:
    """The mailbox that gets all mail, then those that only submit: so many that none exceeds ``sent_per_hour``.

    ``submitted`` is how many messages a second are submitted.
    """
    domain = plan.domain.primary_domain
    yield probe_mailbox(domain)
    logins = math.ceil(submitted * EXPECTED_SECONDS / plan.limits.sent_per_hour)
    for number in range(1, min(logins, MOST_LOGINS)):
        yield store_mailbox(domain, "", str(number))


async def open_mailboxes(engine: EngineApi, mailboxes: list[Mailbox]) -> None:
    """Opens them on the server with the store. Raises the errors of the link."""
    link = await engine.link(await store_place(engine))
    for mailbox in mailboxes:
        await link.ask(OpenProbeMailbox(mailbox.address, Secret(mailbox.password.get_secret_value())))
    await refresh_copies(engine)


async def close_mailboxes(engine: EngineApi, mailboxes: list[Mailbox]) -> str:
    """Closes and empties them on whichever server has the store now; returns why that failed, else nothing."""
    try:
        async with asyncio.timeout(PATIENCE * (2 + len(mailboxes))):
            link = await engine.link(await store_place(engine))
            for mailbox in mailboxes:
                await link.ask(CloseProbeMailbox(mailbox.address))
            await refresh_copies(engine)
    except (OperatorError, TimeoutError) as error:
        why = error.what if isinstance(error, OperatorError) else "no answer in time"
        return f"the drill's mailboxes are not closed ({why}): the next verification or drill closes them"
    return ""


class Exemptions:
    """This machine's exemption from fail2ban on each server; it does not survive a reset, so it is made anew."""

    def __init__(self, engine: EngineApi, targets: Mapping[str, Target]) -> None:
        self._engine, self._targets = engine, targets
        self._stacks: dict[str, AsyncExitStack] = {}

    async def begin(self) -> None:
        """On all servers."""
        for server_id in self._targets:
            await self.renew(server_id)

    async def renew(self, server_id: str) -> None:
        """On one server, which may have been reset; nothing happens if it does not answer."""
        await self._leave(server_id)
        stack = AsyncExitStack()
        with suppress(OperatorError, TimeoutError):
            async with asyncio.timeout(PATIENCE):
                link = await self._engine.link(server_id)
                await stack.enter_async_context(ban_guard.exempt(self._targets[server_id], link))
        self._stacks[server_id] = stack

    async def end(self) -> None:
        """On all servers."""
        for server_id in list(self._stacks):
            await self._leave(server_id)

    async def _leave(self, server_id: str) -> None:
        if stack := self._stacks.pop(server_id, None):
            with suppress(Exception):
                async with asyncio.timeout(PATIENCE):
                    await stack.aclose()
