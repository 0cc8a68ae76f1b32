"""What can be asked of the engine, in one place: what manages, verifies and shows servers knows it by this only.

``deploy.engine.Engine`` is the real one. Whoever has this protocol can be tried out with another, and screens name
it without loading what connects to servers.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from mailwiz_tui.deploy.agent_link import Link
from mailwiz_tui.deploy.batches import Order
from mailwiz_tui.deploy.diff import ServerDiff
from mailwiz_tui.deploy.events import Subscriber
from mailwiz_tui.deploy.network import PairReport
from mailwiz_tui.deploy.outcome import ServerOutcome
from mailwiz_tui.fleet.facts import Facts, FactsFile
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.blueprint import Blueprint


class EngineApi(Protocol):
    """One plan on its servers: ``known`` is what they told so far, ``inventory`` how they are reached.

    Whatever asks a server raises SshError where it is not reached and AgentError where it refuses or fails.
    """

    plan: Plan
    inventory: Inventory
    known: FactsFile

    def server(self, server_id: str) -> Server:
        """A server of the plan as the inventory knows it; raises EngineError where it does not."""

    async def link(self, server_id: str) -> Link:
        """The warm link to a server's agent."""

    def subscribe(self, callback: Subscriber) -> Callable[[], None]:
        """Calls ``callback`` with every event until the returned function is called."""

    async def probe(self, server: Server) -> Facts:
        """The facts of any server, read now."""

    async def prepare(self) -> FactsFile:
        """Asks every server for its facts and makes missing keys there; saved beside the plan."""

    def learn_account_domains(self, domains: Collection[str] | None) -> bool:
        """Store which mailbox domains the accounts have; returns whether they changed. None changes nothing."""

    async def survey(self) -> Sequence[PairReport]:
        """How the servers reach each other now, pair by pair; changes nothing."""

    def blueprints(self) -> Mapping[str, Blueprint]:
        """The blueprint of each server, from what is known now."""

    async def diff(self) -> Mapping[str, ServerDiff]:
        """What ``apply`` would change on each server."""

    async def apply(
        self,
        only: Collection[str] = (),
        skip: Mapping[str, Collection[str]] | None = None,
        order: Order | None = None,
    ) -> Mapping[str, ServerOutcome]:
        """Installs on all servers or on ``only`` some, in ``order``, without the optional steps in ``skip``."""

    def tell_removed_servers(self) -> list[str]:
        """What happens to servers that were removed from the plan, a sentence each, told once."""

    async def attach(self) -> Mapping[str, ServerOutcome]:
        """Follows the runs in progress to their end; servers where none runs are left out."""

    async def stop_after_step(self) -> list[str]:
        """Asks the runs in progress to end when their present step is done; the servers that were asked."""

    async def close(self) -> None:
        """Closes all connections; runs on servers continue."""
