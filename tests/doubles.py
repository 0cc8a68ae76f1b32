"""An engine and a link that answer nothing: tests make them answer what they are about."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from typing import NoReturn, TypeVar

from mailwiz_tui.agent.protocol.request import Request, Stream
from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.deploy.batches import Order
from mailwiz_tui.deploy.diff import ServerDiff
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.events import Subscriber
from mailwiz_tui.deploy.network import PairReport
from mailwiz_tui.deploy.outcome import ServerOutcome
from mailwiz_tui.fleet.facts import Facts, FactsFile
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.blueprint import Blueprint

A = TypeVar("A")


def unexpected(what: str) -> NoReturn:
    """Ends a test in which something was asked for that the test does not answer."""
    raise AssertionError(f"the test does not answer {what}")


class LinkDouble(Link):
    """A link to an agent that knows no request."""

    async def ask(self, request: Request[A]) -> A:
        unexpected(request.operation)

    async def follow(self, request: Stream[A]) -> AsyncIterator[A]:
        unexpected(request.operation)
        yield


class EngineDouble(EngineApi):
    """An engine that reaches no server."""

    def __init__(self, plan: Plan, inventory: Inventory | None = None, known: FactsFile | None = None) -> None:
        self.plan = plan
        self.inventory = inventory or Inventory()
        self.known = known or FactsFile()

    def server(self, server_id: str) -> Server:
        return self.inventory.get(server_id) or unexpected(server_id)

    async def link(self, server_id: str) -> Link:
        unexpected("link")

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        unexpected("subscribe")

    async def probe(self, server: Server) -> Facts:
        unexpected("probe")

    async def prepare(self) -> FactsFile:
        unexpected("prepare")

    def learn_account_domains(self, domains: Collection[str] | None) -> bool:
        unexpected("learn_account_domains")

    async def survey(self) -> Sequence[PairReport]:
        unexpected("survey")

    def blueprints(self) -> Mapping[str, Blueprint]:
        unexpected("blueprints")

    async def diff(self) -> Mapping[str, ServerDiff]:
        unexpected("diff")

    async def apply(
        self,
        only: Collection[str] = (),
        skip: Mapping[str, Collection[str]] | None = None,
        order: Order | None = None,
    ) -> Mapping[str, ServerOutcome]:
        unexpected("apply")

    def tell_removed_servers(self) -> list[str]:
        unexpected("tell_removed_servers")

    async def attach(self) -> Mapping[str, ServerOutcome]:
        unexpected("attach")

    async def stop_after_step(self) -> list[str]:
        unexpected("stop_after_step")

    async def close(self) -> None:
        unexpected("close")
