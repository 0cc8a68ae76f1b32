"""The work on the servers of one plan, independent of the screen shown: installation and monitoring."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable

from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.history import History
from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.ui.installation.installation import Installation, Stage
from mailwiz_tui.ui.installation.run_model import RunModel
from mailwiz_tui.ui.monitoring.monitoring import Monitoring
from mailwiz_tui.ui.session.backends import Backends

EngineMaker = Callable[[Plan, Prompts], EngineApi]


class OngoingWork:
    """Starts and ends the work that screens show; ``make_engine`` makes a separate engine for each."""

    def __init__(self, backends: Backends, make_engine: EngineMaker, clock: Callable[[], float]) -> None:
        self.installation: Installation | None = None
        self.monitoring: Monitoring | None = None
        self._backends = backends
        self._make_engine = make_engine
        self._clock = clock
        self._endings: set[asyncio.Task[None]] = set()

    @property
    def busy(self) -> bool:
        """Whether an installation or verification is running."""
        return self.installation is not None and self.installation.running

    def install(self, plan: Plan, prompts: Prompts, on_stage: Callable[[Stage], None]) -> Installation:
        """Start installing."""
        self.installation = self._make_installation(plan, prompts, on_stage)
        self.installation.start()
        return self.installation

    def watch_installation(self, plan: Plan, prompts: Prompts, on_stage: Callable[[Stage], None]) -> Installation:
        """Follow an installation in progress on the servers."""
        self.installation = self._make_installation(plan, prompts, on_stage)
        self.installation.start_watching()
        return self.installation

    def _make_installation(self, plan: Plan, prompts: Prompts, on_stage: Callable[[Stage], None]) -> Installation:
        model = RunModel([s.id for s in plan.servers], self._clock, History().span)
        engine = self._make_engine(plan, prompts)
        first_secrets = self._backends.first_secrets(engine)
        return Installation(engine, model, self._backends.verify, first_secrets, on_stage)

    async def drop_installation(self) -> None:
        """Forget a finished installation, so that the plan can be changed and installed again."""
        if self.installation is not None:
            await self.installation.close()
            self.installation = None

    def monitor(self, plan: Plan, prompts: Prompts, resolver: str | None) -> Monitoring:
        """Monitor the running servers of a plan, or return the monitoring in progress; DNS by ``resolver``."""
        wanted = [s.id for s in plan.servers]
        if self.monitoring is not None and list(self.monitoring.servers) == wanted:
            return self.monitoring
        if self.monitoring is not None:
            task = asyncio.create_task(self.monitoring.close(), name="end monitoring")
            self._endings.add(task)
            task.add_done_callback(self._endings.discard)
        engine = self._make_engine(plan, prompts)
        self.monitoring = Monitoring(engine, self._backends.watcher(engine, resolver), wanted, clock=self._clock)
        return self.monitoring

    async def close(self) -> None:
        """Stop watching; runs on servers continue."""
        for task in tuple(self._endings):
            task.cancel()
        await asyncio.gather(*self._endings, return_exceptions=True)
        with contextlib.suppress(Exception):
            await self.drop_installation()
        if self.monitoring is not None:
            with contextlib.suppress(Exception):
                await self.monitoring.close()
