"""The phases of a drill: mail flows, the store moves as planned, then because its server is cut off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from mailwiz_tui.agent.protocol.cluster import CutOff, EndCutOff, GiveStoreAway, ReturnNode
from mailwiz_tui.deploy.agent_link import AgentError
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.work import EngineError
from mailwiz_tui.plan.errors import OperatorError
from mailwiz_tui.verify.drill.cluster import Views, boot_of, failures, lacking, look, peer_addresses, to_bring_back
from mailwiz_tui.verify.drill.mailboxes import Exemptions
from mailwiz_tui.verify.drill.options import DrillOptions

PAUSE = 0.5
ORDER = 150.0
"""Seconds for a server to give the store away; its agent gives up after 120 s."""
CUT = 30.0
"""Seconds for a server to be cut off."""
TAKE_OVER = 180.0
"""Seconds in which another server must have the store."""
HARD = "hard"
STATUS = "mailwiz-tui node status PLAN shows what is missing"


@dataclass(slots=True)
class Phase:
    """A phase; times are seconds of ``time.monotonic``.

    ``taken`` is how long the move took until the store ran on ``target``; None without a move, or if it failed.
    """

    name: str
    title: str
    begin: float
    end: float = 0.0
    source: str = ""
    target: str = ""
    taken: float | None = None


@dataclass
class Course:
    """A drill on its way; ``problems`` are reasons for which it has not passed, beyond those of mail and gaps.

    ``failures`` are those that Pacemaker remembers at the end, though all runs again.
    """

    engine: EngineApi
    options: DrillOptions
    say: Callable[[str], None]
    exemptions: Exemptions
    phases: list[Phase] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    cut: str = ""
    whole: bool = False
    failures: list[str] = field(default_factory=list)

    async def run(self) -> None:
        """All phases, one after the other. Raises ``OperatorError`` if one cannot be completed."""
        await self._steady()
        await self._graceful()
        await self._hard()

    async def bring_back(self) -> None:
        """Ends what the drill began, and waits until the cluster is whole: sets ``whole``. Raises nothing."""
        self.end_phase()
        if self.cut:
            await self._end_cut(self.cut)
        reasons = await self._wait_whole()
        self.whole = not reasons
        self.problems += [f"the cluster is not whole: {reason}" for reason in reasons]

    def end_phase(self) -> None:
        """The present phase ends now."""
        for phase in self.phases:
            phase.end = phase.end or time.monotonic()

    def _begin(self, name: str, title: str, source: str = "") -> Phase:
        self.end_phase()
        self.phases.append(Phase(name, title, time.monotonic(), source=source))
        return self.phases[-1]

    async def _steady(self) -> None:
        self._begin("steady", "Mail flows")
        self.say(f"mail flows for {self.options.steady:.0f} s")
        await asyncio.sleep(self.options.steady)

    async def _graceful(self) -> None:
        source = (await look(self.engine)).store
        phase = self._begin("graceful", "The mailboxes move as planned", source)
        self.say(f"the mailboxes move away from {source}")
        async with asyncio.timeout(ORDER):
            await (await self.engine.link(source)).ask(GiveStoreAway())
        await self._moved(phase)
        await asyncio.sleep(self.options.steady)
        self.say(f"{source} is made ready to take the mailboxes again")
        await self._must_be_whole()

    async def _hard(self) -> None:
        source = (await look(self.engine)).store
        before = await boot_of(self.engine, source)
        peers = peer_addresses(self.engine, source)
        phase = self._begin(HARD, "The active server is cut off from the others", source)
        self.say(f"{source} is cut off from the other servers; clients still reach it")
        self.cut = source
        await self._cut_off(source, peers)
        await self._moved(phase)
        self.say(f"waiting until {source} is back and has copied what it missed")
        await self._must_be_whole()
        self.cut = ""
        if before and await boot_of(self.engine, source) == before:
            self.problems.append(f"{source} did not reset itself while it was cut off")
        await self.exemptions.renew(source)
        await asyncio.sleep(self.options.steady)

    async def _cut_off(self, server_id: str, peers: tuple[str, ...]) -> None:
        """An answer that does not come may mean that this machine reaches the server through a peer."""
        try:
            async with asyncio.timeout(CUT):
                await (await self.engine.link(server_id)).ask(CutOff(peers, self.options.cut))
        except AgentError:
            raise
        except (OperatorError, TimeoutError):
            self.say(f"{server_id} did not confirm that it is cut off")

    async def _moved(self, phase: Phase) -> None:
        """Waits until the store runs on another server than ``phase.source``."""
        end = time.monotonic() + TAKE_OVER
        while time.monotonic() < end:
            store = (await look(self.engine, without=phase.source)).store
            if store and store != phase.source:
                phase.target, phase.taken = store, time.monotonic() - phase.begin
                self.say(f"the mailboxes are on {store}, {phase.taken:.1f} s later")
                return
            await asyncio.sleep(PAUSE)
        raise EngineError(f"no other server had the mailboxes within {TAKE_OVER:.0f} s", phase.source, STATUS)

    async def _must_be_whole(self) -> None:
        if reasons := await self._wait_whole():
            raise EngineError(f"the cluster is not whole: {'; '.join(reasons)}", "the drill", STATUS)

    async def _wait_whole(self) -> list[str]:
        """Brings servers back until nothing is missing; what is still missing after ``options.whole`` seconds."""
        end = time.monotonic() + self.options.whole
        while True:
            views = await look(self.engine)
            await self._bring_back(views)
            reasons, self.failures = lacking(self.engine, views), failures(views)
            if not reasons or time.monotonic() > end:
                return reasons
            await asyncio.sleep(PAUSE)

    async def _bring_back(self, views: Views) -> None:
        for server_id in to_bring_back(self.engine, views):
            try:
                async with asyncio.timeout(CUT):
                    await (await self.engine.link(server_id)).ask(ReturnNode())
            except (OperatorError, TimeoutError):
                self.say(f"{server_id} does not answer yet")

    async def _end_cut(self, server_id: str) -> None:
        try:
            async with asyncio.timeout(CUT):
                await (await self.engine.link(server_id)).ask(EndCutOff())
        except (OperatorError, TimeoutError):
            self.say(f"{server_id} does not answer now; it is cut off for {self.options.cut:.0f} s at most")
