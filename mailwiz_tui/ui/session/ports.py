"""What the screens need of the rooms behind them, as protocols, so that tests can bring their own engine."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import SecretStr

from mailwiz_tui.deploy.events import ServerPhase, Subscriber
from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.fleet.facts import Facts, FactsFile
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.plan.findings import Finding
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.verify.result import CheckResult

if TYPE_CHECKING:
    from mailwiz_tui.verify.sample import Sample
    from mailwiz_tui.verify.watch import DnsDrift


class OutcomeLike(Protocol):
    """How an installation ended on one server."""

    @property
    def state(self) -> ServerPhase:
        """The phase the server came to rest in."""

    @property
    def changed(self) -> bool:
        """Whether anything was changed."""

    @property
    def failed_step(self) -> str:
        """The step that failed, or empty."""

    @property
    def reason(self) -> str:
        """Why it failed."""

    @property
    def advice(self) -> str:
        """What to do."""

    @property
    def skipped(self) -> tuple[str, ...]:
        """The optional steps that were left out."""


class DiffLike(Protocol):
    """What an installation would change on one server."""

    @property
    def empty(self) -> bool:
        """Whether nothing would change."""

    def lines(self) -> list[str]:
        """The differences as lines."""


class PairReportLike(Protocol):
    """How two servers reach each other."""

    @property
    def first(self) -> str:
        """The one server."""

    @property
    def second(self) -> str:
        """The other."""

    @property
    def good(self) -> bool:
        """Whether they can be linked."""

    @property
    def line(self) -> str:
        """The pair in one line."""

    @property
    def finding(self) -> Finding | None:
        """What is in the way, or worth knowing."""


class EngineLike(Protocol):
    """The part of ``deploy.engine.Engine`` the screens use."""

    def subscribe(self, subscriber: Subscriber) -> Callable[[], None]:
        """Hear of every event; call the result to stop."""

    async def probe(self, server: Server) -> Facts:
        """Ask a server what it is."""

    async def survey(self) -> Sequence[PairReportLike]:
        """Let the servers try the network between them."""

    async def prepare(self) -> FactsFile:
        """Gather facts and make keys; saved beside the plan."""

    async def diff(self) -> Mapping[str, DiffLike]:
        """What would change, by server."""

    async def apply(
        self, only: Collection[str] = (), skip: Mapping[str, Collection[str]] | None = None
    ) -> Mapping[str, OutcomeLike]:
        """Install, on all servers or only some, without some optional steps; attaches to a run under way."""

    def tell_removed_servers(self) -> list[str]:
        """What becomes of servers that left the plan, a sentence each; each is told of once."""

    async def attach(self) -> Mapping[str, OutcomeLike]:
        """Follow the runs in progress to their end; servers where none runs are left out."""

    async def stop_after_step(self) -> list[str]:
        """Ask the runs in progress to end when their present step is done; the servers that were asked."""

    async def accounts(self) -> Mapping[str, SecretStr]:
        """First passwords that nobody has acknowledged yet."""

    async def administrators(self) -> Mapping[str, SecretStr]:
        """First passwords of the admin panel that nobody has acknowledged yet."""

    async def recovery_keys(self) -> Mapping[str, SecretStr]:
        """The backups' keys that nobody has acknowledged yet, by server."""

    async def acknowledge_accounts(self) -> None:
        """Say that the first passwords and the key were shown; they are forgotten then."""

    async def close(self) -> None:
        """Drop the connections; what runs on servers goes on."""


class EngineFactory(Protocol):
    """How the screens get an engine."""

    def __call__(
        self, plan: Plan, inventory: Inventory, *, prompts: Prompts, facts_path: Path, adopt: Collection[str]
    ) -> EngineLike:
        """A new engine for the plan; it may replace foreign mail configuration on the servers in ``adopt``."""


OnResult = Callable[[CheckResult], None]


class Verifier(Protocol):
    """How the screens have an installation proved."""

    async def __call__(self, engine: Any, *, on_result: OnResult, to: str = "") -> list[CheckResult]:
        """Make all checks; each is told as it ends."""


class WatcherLike(Protocol):
    """How the monitor asks running servers."""

    def ports(self, server_id: str) -> tuple[tuple[str, int], ...]:
        """The ``(protocol, port)`` that the plan wants listened on."""

    async def look(self, server_id: str) -> Sample:
        """How a server is now."""

    async def drift(self) -> DnsDrift:
        """How the DNS differs from the plan."""


class WatcherFactory(Protocol):
    """How the monitor gets its watcher."""

    def __call__(self, engine: Any, resolver: str | None) -> WatcherLike:
        """A watcher over an engine's connections; DNS is asked at ``resolver`` (None: the system's)."""


class Prober(Protocol):
    """How the role step asks one server what it is."""

    async def __call__(self, server: Server, prompts: Prompts) -> Facts:
        """The server's facts; raises with a sentence for the operator where it cannot be asked."""
