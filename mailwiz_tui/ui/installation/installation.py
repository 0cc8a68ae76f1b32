"""The installation as a task of the program, independent of the screen that shows it."""

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
    """The stage of the whole installation."""

    IDLE = "idle"
    INSTALLING = "installing"
    VERIFYING = "verifying"
    DONE = "done"
    FAILED = "failed"


class Installation:
    """Runs engine and verification once, and stores the results.

    ``handover`` (first passwords, the backup's key) is kept until it was acknowledged; ``changed`` says whether
    anything was changed on a server, in this attempt or an earlier one.
    ``error`` is a sentence if the whole run failed; ``note`` is a remark for the operator until the next stage.
    ``on_stage`` is called in the event loop at each change of stage.
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
        """Whether an installation or verification is running."""
        return self._task is not None and not self._task.done()

    @property
    def installed(self) -> bool:
        """Whether the installation ended without a failure on every server."""
        return bool(self.outcomes) and not self.error and not self.model.failed

    @property
    def verified(self) -> bool:
        """Whether the checks ran and none failed."""
        return bool(self.results) and not any(r.state is CheckState.FAILED for r in self.results)

    def start(self) -> None:
        """Install, then verify; also retries after a failure.

        A retry installs only the failed servers; the engine includes finished ones if it must.
        """
        if not self.running:
            failed = tuple(run.server_id for run in self.model.failed)
            self._task = asyncio.create_task(self._run(failed), name="installation")

    def retry(self, server_id: str, *, skip: str = "") -> None:
        """Continue a server from its failed step, without the optional step ``skip`` if one is named.

        While other servers are being installed only this server is retried, otherwise all failed servers are.
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
        """Whether all runs that this installation attached to were started from here."""
        attached = [run for run in self.model.servers.values() if run.attached]
        return bool(attached) and all(run.own for run in attached)

    @property
    def skipped(self) -> dict[str, list[str]]:
        """The titles of the skipped steps, by server."""
        return {r.server_id: [s.title for s in r.skipped] for r in self.model.servers.values() if r.skipped}

    def start_watching(self) -> None:
        """Follow the runs in progress to their end, without installing anything.

        If they were started from here and all succeed, first passwords and the checks follow.
        """
        if not self.running:
            self._task = asyncio.create_task(self._watch(), name="installation")

    def start_verification(self) -> None:
        """Run all checks again."""
        if not self.running:
            self._task = asyncio.create_task(self._verify(), name="verification")

    async def wait(self) -> None:
        """Wait until nothing is running."""
        if self._task is not None:
            await self._task

    async def close(self) -> None:
        """Stop watching; runs on servers continue."""
        self._unsubscribe()
        if self._task is not None and not self._task.done():
            tasks = (self._task, *self._again)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        await self.engine.close()

    async def acknowledge(self) -> None:
        """Record on the servers that the operator has the passwords; until then each installation sets new ones."""
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
        """Retry one server while the others continue; the result replaces its earlier outcome."""
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
        """Update the model from the outcomes, which may contain more than the events."""
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
