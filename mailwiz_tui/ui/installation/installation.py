"""The installation as a task of the program, not of a screen: screens come and go, it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from enum import StrEnum

from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.events import ServerChanged
from mailwiz_tui.deploy.outcome import ServerOutcome
from mailwiz_tui.manage.first_secrets import FirstSecrets
from mailwiz_tui.manage.handover import Handover
from mailwiz_tui.ui.installation.run_model import RunModel
from mailwiz_tui.ui.session.backends import Verifier, error_sentence
from mailwiz_tui.verify.result import CheckResult, CheckState


class Stage(StrEnum):
    """Where the whole installation is."""

    IDLE = "idle"
    INSTALLING = "installing"
    VERIFYING = "verifying"
    DONE = "done"
    FAILED = "failed"


class Installation:
    """Drives engine and verification once, and keeps what came of it.

    ``handover`` (first passwords, the backup's key) is held until it was acknowledged; ``changed`` says whether
    anything was changed on a server, in this try or a former one.
    ``error`` is a sentence if the whole run could not be made; ``note`` is a word to the operator that holds
    until the next stage. ``on_stage`` is called in the event loop at each change of stage.
    """

    def __init__(
        self,
        engine: EngineApi,
        model: RunModel,
        verifier: Verifier,
        first_secrets: FirstSecrets,
        on_stage: Callable[[Stage], None] = lambda stage: None,
    ) -> None:
        self.engine = engine
        self.model = model
        self.stage = Stage.IDLE
        self.error = ""
        self.note = ""
        self.verify_error = ""
        self.outcomes: Mapping[str, ServerOutcome] = {}
        self.changed = False
        self.handover = Handover()
        self.removed_servers: list[str] = []
        self.results: list[CheckResult] = []
        self.watched_only = False
        self._verifier = verifier
        self._first_secrets = first_secrets
        self._on_stage = on_stage
        self._task: asyncio.Task[None] | None = None
        self._again: set[asyncio.Task[None]] = set()
        self._skip: dict[str, set[str]] = {}
        self._late: dict[str, ServerOutcome] = {}
        self._unsubscribe = engine.subscribe(model.apply)

    @property
    def running(self) -> bool:
        """Whether something is under way."""
        return self._task is not None and not self._task.done()

    @property
    def installed(self) -> bool:
        """Whether every server came to its end without a failure."""
        return bool(self.outcomes) and not self.error and not self.model.failed

    @property
    def verified(self) -> bool:
        """Whether all checks were made and none failed."""
        return bool(self.results) and not any(r.state is CheckState.FAILED for r in self.results)

    def start(self) -> None:
        """Install, then verify; also the way to retry after a failure.

        Only servers that failed are worked on again then; the engine takes in finished ones where it must.
        """
        if not self.running:
            failed = tuple(run.server_id for run in self.model.failed)
            self._task = asyncio.create_task(self._run(failed), name="installation")

    def retry(self, server_id: str, *, skip: str = "") -> None:
        """Go on where a server failed, without the optional step ``skip`` if one is named.

        While others are still at work this server alone is tried again; at rest every one that failed is.
        """
        if skip:
            self._skip.setdefault(server_id, set()).add(skip)
        if not self.running:
            self.start()
        elif self.stage is Stage.INSTALLING:
            task = asyncio.create_task(self._one(server_id), name=f"again {server_id}")
            self._again.add(task)
            task.add_done_callback(self._again.discard)

    @property
    def own(self) -> bool:
        """Whether all that was joined under way had been begun from here."""
        joined = [run for run in self.model.servers.values() if run.attached]
        return bool(joined) and all(run.own for run in joined)

    @property
    def skipped(self) -> dict[str, list[str]]:
        """The titles of the steps that were left out, by server."""
        return {r.server_id: [s.title for s in r.skipped] for r in self.model.servers.values() if r.skipped}

    def start_watching(self) -> None:
        """Follow what is under way to its end; nothing is installed from here.

        Where it was begun from here and every server ends well, it is finished as it would have been then: first
        passwords, and the checks.
        """
        if not self.running:
            self._task = asyncio.create_task(self._watch(), name="installation")

    def start_verification(self) -> None:
        """Make all checks once more."""
        if not self.running:
            self._task = asyncio.create_task(self._verify(), name="verification")

    async def wait(self) -> None:
        """Wait until nothing is under way."""
        if self._task is not None:
            await self._task

    async def close(self) -> None:
        """Stop watching; what runs on the servers goes on there."""
        self._unsubscribe()
        if self._task is not None and not self._task.done():
            tasks = (self._task, *self._again)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self.engine.close()

    async def acknowledge(self) -> None:
        """The operator has the passwords: let the servers forget them."""
        await self._first_secrets.acknowledge()
        self.handover = Handover()

    def _enter(self, stage: Stage) -> None:
        self.stage = stage
        self.note = ""
        self.model.revision += 1
        self._on_stage(stage)

    async def _run(self, only: tuple[str, ...]) -> None:
        self.error = ""
        self.watched_only = False
        self._late = {}
        self._enter(Stage.INSTALLING)
        try:
            outcomes = await self.engine.apply(only, skip=self._skip)
            while self._again:
                await asyncio.gather(*self._again)
            self.outcomes = {**self.outcomes, **outcomes, **self._late}
            self._take_outcomes()
            if not self.model.failed:
                await self._hand_over()
        except Exception as error:
            self.error = error_sentence(error)
        if self.error or self.model.failed:
            self._enter(Stage.FAILED)
            return
        await self._verify()

    async def _hand_over(self) -> None:
        self.handover = await self._first_secrets.collect()
        self.removed_servers = self.engine.tell_removed_servers()

    async def _one(self, server_id: str) -> None:
        """Try one server again while the others go on; what comes of it replaces its former outcome."""
        try:
            outcomes = await self.engine.apply(only=(server_id,), skip=self._skip)
        except Exception as error:
            self.error = error_sentence(error)
            return
        self._late.update(outcomes)

    async def _watch(self) -> None:
        self.error, finished = "", False
        self.watched_only = True
        self._enter(Stage.INSTALLING)
        try:
            self.outcomes = await self.engine.attach()
            self._take_outcomes()
            if finished := self.own and all(run.good for run in self.model.servers.values()):
                await self._hand_over()
        except Exception as error:
            self.error = error_sentence(error)
        if finished and not self.error:
            await self._verify()
            return
        self._enter(Stage.FAILED if self.error or self.model.failed else Stage.DONE)

    def _take_outcomes(self) -> None:
        """Where an outcome says more than the events did, the model follows the outcome."""
        self.changed = self.changed or any(outcome.changed for outcome in self.outcomes.values())
        for server_id, outcome in self.outcomes.items():
            run = self.model.server(server_id)
            run.failed_step = run.failed_step or outcome.failed_step
            if run.phase is not outcome.state:
                self.model.apply(ServerChanged(server_id, outcome.state, outcome.reason, outcome.advice))

    async def _verify(self) -> None:
        self.verify_error = ""
        self.watched_only = False
        self.results = []
        for run in self.model.servers.values():
            run.checks.clear()
        self._enter(Stage.VERIFYING)
        try:
            self.results = await self._verifier(self.engine, on_result=self.model.add_check)
        except Exception as error:
            self.verify_error = error_sentence(error)
        self._enter(Stage.DONE)
