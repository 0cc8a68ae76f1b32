"""Follows a run on a server by its journal, across lost connections, and turns it into events."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

from mailwiz_tui.agent.protocol.journal import (
    EndEvent,
    GateEvent,
    LogEvent,
    ProgressEvent,
    RunBegan,
    StepEvent,
    WaitEvent,
    event_of,
)
from mailwiz_tui.agent.protocol.journal import Event as JournalEvent
from mailwiz_tui.agent.protocol.runs import ConfirmStep, FollowRun
from mailwiz_tui.deploy.agent_link import AgentError
from mailwiz_tui.deploy.events import (
    Event,
    LogLine,
    Progress,
    ServerChanged,
    ServerPhase,
    StepChanged,
    StepPhase,
    Waiting,
)
from mailwiz_tui.deploy.outcome import ServerOutcome, outcome_from_end
from mailwiz_tui.deploy.pool import Pool
from mailwiz_tui.deploy.sanitize import clean_line, clean_text
from mailwiz_tui.fleet.server import Server
from mailwiz_tui.plan.errors import OperatorError

GIVE_UP_AFTER = 300.0
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 15.0


def waits() -> Iterator[float]:
    """Seconds to wait before each further attempt to reach a lost server."""
    wait = _FIRST_WAIT
    while True:
        yield wait
        wait = min(_LONGEST_WAIT, wait * 2)


@dataclass(frozen=True)
class _Lost:
    """The server cannot be followed any more, and why."""

    what: str
    advice: str = ""


@dataclass
class Follower:
    """Follows one run on one server; ``emit`` gets the events, ``on_seconds`` each finished step's duration."""

    pool: Pool
    server: Server
    run_id: str
    emit: Callable[[Event], None]
    phase: ServerPhase = ServerPhase.INSTALLING
    on_seconds: Callable[[str, float], None] = lambda step, seconds: None
    give_up_after: float = GIVE_UP_AFTER
    offset: int = 0
    _last_words: str = ""
    _running: tuple[str, str, int, int] | None = None
    _confirming: set[asyncio.Task[None]] = field(default_factory=set)

    async def follow(self) -> ServerOutcome:
        """Follows until the run ends; ``LOST`` if the server cannot be reached for minutes."""
        begun, begun_at = time.monotonic(), 0.0
        async for event in self._events():
            if isinstance(event, _Lost):
                return self._unknown(event, time.monotonic() - begun)
            begun_at = begun_at or event.at
            if isinstance(event, EndEvent):
                seconds = event.at - begun_at if begun_at else time.monotonic() - begun
                return outcome_from_end(self.server.id, event, seconds)
            self._translate(event)
        return self._interrupted(time.monotonic() - begun)

    async def _events(self) -> AsyncIterator[JournalEvent | _Lost]:
        pauses, lost_since = waits(), 0.0
        while True:
            try:
                link = await self.pool.link(self.server)
                if lost_since:
                    self._say(self.phase, "connected again")
                    pauses, lost_since = waits(), 0.0
                async for chunk in link.follow(FollowRun(self.run_id, self.offset)):
                    events = [event for line in chunk.events if (event := event_of(line))]
                    self._confirm_gates(events)
                    for event in events:
                        yield event
                    self.offset = chunk.offset
                    await asyncio.sleep(0)
                    if chunk.state == "interrupted":
                        self._last_words = clean_text(chunk.detail)
                    if chunk.state in ("ended", "interrupted"):
                        return
            except AgentError as error:
                if "there is no run" in error.what:
                    yield _Lost(error.what, "run apply again")
                    return
                problem: Exception = error
            except OSError as error:
                problem = error
            except Exception as error:
                told = error if isinstance(error, OperatorError) else OperatorError(str(error))
                if not told.transient:
                    yield _Lost(str(error), told.advice)
                    return
                problem = error
            now = time.monotonic()
            lost_since = lost_since or now
            if now - lost_since > self.give_up_after:
                yield _Lost(str(problem))
                return
            self._say(ServerPhase.RECONNECTING, clean_text(problem))
            await self.pool.drop(self.server)
            await asyncio.sleep(next(pauses))

    def _confirm_gates(self, events: list[JournalEvent]) -> None:
        """Confirms a lock-out step over a new connection, which proves that SSH still works."""
        gate = ""
        for event in events:
            if isinstance(event, GateEvent):
                gate = event.step
            elif isinstance(event, (StepEvent, EndEvent)):
                gate = ""
        if gate:
            task = asyncio.create_task(self._confirm(gate))
            self._confirming.add(task)
            task.add_done_callback(self._confirming.discard)

    async def _confirm(self, step: str) -> None:
        try:
            link = await self.pool.fresh(self.server)
            try:
                await link.ask(ConfirmStep(self.run_id, step))
            finally:
                await self.pool.release(link)
        except Exception as error:
            text = f"the new connection to confirm this step failed: {error}"
            self.emit(LogLine(self.server.id, step, clean_text(text), time.time()))

    def _translate(self, event: JournalEvent) -> None:
        at, server = event.at, self.server.id
        match event:
            case RunBegan():
                for index, step in enumerate(event.steps, 1):
                    self.emit(
                        StepChanged(
                            server,
                            clean_text(step.id),
                            clean_text(step.title),
                            index,
                            len(event.steps),
                            StepPhase.PENDING,
                            at=at,
                            optional=step.optional,
                        )
                    )
            case StepEvent():
                self._step(event)
            case LogEvent():
                self.emit(LogLine(server, clean_text(event.step), clean_line(event.text), at))
            case ProgressEvent():
                step_id, what = clean_text(event.step), clean_text(event.what, 120)
                self.emit(Progress(server, step_id, event.done, event.total, what, at))
            case WaitEvent():
                step_id, on, what = (clean_text(text) for text in (event.step, event.server, event.what))
                self.emit(Waiting(server, step_id, on, what, event.over, at))
            case GateEvent():
                text = "waiting for a new SSH connection to confirm that the server can still be reached"
                self.emit(LogLine(server, clean_text(event.step), text, at))

    def _step(self, event: StepEvent) -> None:
        try:
            phase = StepPhase(event.phase)
        except ValueError:
            return
        step_id, title = clean_text(event.id), clean_text(event.title)
        self._running = (step_id, title, event.index, event.total) if phase is StepPhase.RUNNING else None
        place = (self.server.id, step_id, title, event.index, event.total)
        self.emit(StepChanged(*place, phase, clean_text(event.detail), event.at))
        if event.seconds is not None:
            self.on_seconds(step_id, event.seconds)

    def _unknown(self, lost: _Lost, seconds: float) -> ServerOutcome:
        return ServerOutcome(
            self.server.id,
            ServerPhase.LOST,
            reason=clean_text(lost.what),
            advice=clean_text(lost.advice)
            or "the installation continues on the server: run apply again to follow it",
            seconds=seconds,
        )

    def _interrupted(self, seconds: float) -> ServerOutcome:
        if self._running:
            step_id, title, index, total = self._running
            self.emit(StepChanged(self.server.id, step_id, title, index, total, StepPhase.INTERRUPTED))
        words = f": {self._last_words}" if self._last_words else ""
        return ServerOutcome(
            self.server.id,
            ServerPhase.FAILED,
            changed=True,
            failed_step=self._running[0] if self._running else "",
            reason=f"the run was interrupted on the server (reboot, or killed){words}",
            advice="run apply again: it continues from there",
            seconds=seconds,
        )

    def _say(self, phase: ServerPhase, detail: str) -> None:
        self.emit(ServerChanged(self.server.id, phase, detail, at=time.time()))
