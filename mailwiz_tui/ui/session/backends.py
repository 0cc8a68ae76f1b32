"""The services that the screens use; the real ones are imported at first use, after the first screen is painted."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.fleet.facts import Facts
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.manage.first_secrets import FirstSecrets
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.ui.session.published import Comparer, real_compare
from mailwiz_tui.verify.result import CheckResult

if TYPE_CHECKING:
    from mailwiz_tui.verify.watch import Watcher

OnResult = Callable[[CheckResult], None]
Prober = Callable[[Server, Prompts], Awaitable[Facts]]
"""Reads the facts of one server; raises an error with a sentence for the operator if that fails."""
WatcherFactory = Callable[[EngineApi, str | None], "Watcher"]
"""Makes the watcher of running servers, which uses an engine's connections and a resolver (None: the system's)."""


class EngineFactory(Protocol):
    """Makes an engine."""

    def __call__(
        self, plan: Plan, inventory: Inventory, *, prompts: Prompts, facts_path: Path, adopt: Collection[str]
    ) -> EngineApi:
        """A new engine for the plan; it may replace foreign mail configuration on the servers in ``adopt``."""


class Verifier(Protocol):
    """Verifies an installation."""

    async def __call__(self, engine: EngineApi, *, on_result: OnResult) -> list[CheckResult]:
        """Run all checks; ``on_result`` receives each result."""


def real_engine(
    plan: Plan, inventory: Inventory, *, prompts: Prompts, facts_path: Path, adopt: Collection[str]
) -> EngineApi:
    """The installation engine."""
    from mailwiz_tui.deploy.engine import Engine

    return Engine(plan, inventory, prompts=prompts, facts_path=facts_path, adopt=adopt)


async def real_verify(engine: EngineApi, *, on_result: OnResult) -> list[CheckResult]:
    """The verification of a running installation."""
    from mailwiz_tui.verify.run import verify

    return await verify(engine, on_result=on_result)


async def real_probe(server: Server, prompts: Prompts) -> Facts:
    """Connect to one server, read its facts, and close the connection."""
    from mailwiz_tui.deploy.pool import Pool
    from mailwiz_tui.deploy.work import facts_of

    pool = Pool(prompts)
    try:
        link = await pool.link(server)
        return await facts_of(link)
    finally:
        await pool.close()


def real_watcher(engine: EngineApi, resolver: str | None) -> Watcher:
    """The watcher of running servers, which uses an engine's connections."""
    from mailwiz_tui.verify.watch import Watcher

    return Watcher(engine, resolver=resolver)


@dataclass(frozen=True, slots=True)
class Backends:
    """Engine, verification, probes and first secrets; tests replace them."""

    engine: EngineFactory = real_engine
    verify: Verifier = real_verify
    probe: Prober = real_probe
    compare: Comparer = real_compare
    watcher: WatcherFactory = real_watcher
    first_secrets: Callable[[EngineApi], FirstSecrets] = FirstSecrets


def error_sentence(error: BaseException) -> str:
    """An error for the operator: what, where and what to do, in one line."""
    if isinstance(error, OperatorError):
        what, where = error.what, error.where
        sentence = f"{where}: {what}" if where and where not in what else what
        return f"{sentence.rstrip('.')} – {error.advice}" if error.advice else sentence
    return str(error) or type(error).__name__
