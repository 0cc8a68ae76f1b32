"""The mailboxes that a verification sends to: one, or one on each store."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import Protocol

from mailwiz_tui.agent.protocol.accounts import MailboxRemoved
from mailwiz_tui.agent.protocol.codec import Secret
from mailwiz_tui.agent.protocol.first_accounts import CloseProbeMailbox, OpenProbeMailbox
from mailwiz_tui.deploy.account_copies import refresh_copies
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.store_place import store_place
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.published import host_label
from mailwiz_tui.topology.servers import spread_stores
from mailwiz_tui.verify.mailbox import Mailbox, probe_mailbox, store_mailbox
from mailwiz_tui.verify.result import CheckResult, CheckState

OPENED = "The probe mailbox for test messages can be created."
CLOSED = "The probe mailbox is removed again."


class Teller(Protocol):
    """Where results go."""

    def tell(self, result: CheckResult) -> None:
        """A result."""

    def fail(self, check: str, server_id: str, proves: str, error: BaseException, vantage: str = "") -> None:
        """An error as a result."""


def wanted(plan: Plan) -> list[Mailbox]:
    """The mailboxes of a plan, that on the first store first."""
    domain = plan.domain.primary_domain
    named = probe_mailbox(domain)
    if not (spread := spread_stores(plan)):
        return [named]
    first, *further = spread
    return [
        Mailbox(named.address, named.password, first),
        *(store_mailbox(domain, store, host_label(store)) for store in further),
    ]


async def open_mailboxes(
    turn: Teller, engine: EngineApi, links: dict[str, Link], stack: AsyncExitStack
) -> list[Mailbox]:
    """Creates them until ``stack`` is left; those that could not be created are reported and left out."""
    place = await store_place(engine)
    if place not in links:
        return []
    link, opened = links[place], []
    for mailbox in wanted(engine.plan):
        password = Secret(mailbox.password.get_secret_value())
        try:
            await link.ask(OpenProbeMailbox(mailbox.address, password, mailbox.store))
        except Exception as error:
            turn.fail("mailbox.probe", place, OPENED, error)
            continue
        opened.append(mailbox)
    stack.push_async_callback(_close, turn, engine, links, place, opened)
    await refresh_copies(engine)
    for mailbox in opened:
        seen = f"{mailbox.address} on {mailbox.store}" if mailbox.store else mailbox.address
        turn.tell(CheckResult("mailbox.probe", place, CheckState.PASSED, OPENED, seen, vantage=place))
    return opened


async def _close(
    turn: Teller, engine: EngineApi, links: dict[str, Link], place: str, opened: list[Mailbox]
) -> None:
    """Removes their accounts, then their mail."""
    for mailbox in opened:
        try:
            await links[place].ask(CloseProbeMailbox(mailbox.address))
        except Exception as error:
            turn.fail("mailbox.closed", place, CLOSED, error)
    await refresh_copies(engine)
    for mailbox in opened:
        if mailbox.store not in ("", place) and mailbox.store in links:
            try:
                there = links[mailbox.store]
                await there.ask(MailboxRemoved(mailbox.address, delete_mail=True))
            except Exception as error:
                turn.fail("mailbox.closed", mailbox.store, CLOSED, error)
