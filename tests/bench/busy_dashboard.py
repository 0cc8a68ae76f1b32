"""The program the dashboard's benchmark runs: the real application, with servers that print without end.

``python -m tests.bench.busy_dashboard SERVERS LINES_PER_SECOND``; with 0 lines the servers work in silence.
What they print comes as a server's journal does: parsed, cleaned and followed by the engine's own ``Follower``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from mailwiz_tui.agent.protocol.journal import LogEvent, line_of
from mailwiz_tui.agent.protocol.runs import FollowRun, JournalChunk
from mailwiz_tui.deploy.batches import Order
from mailwiz_tui.deploy.outcome import ServerOutcome
from mailwiz_tui.fleet.server import Server
from mailwiz_tui.ui.terminal import capabilities
from mailwiz_tui.ui.terminal.garbage_pauses import hold_collections
from mailwiz_tui.ui.terminal.screen_guard import screen_guard

BURSTS_PER_SECOND = 20
LINES = (
    "Unpacking libperl5.40:amd64 (5.40.1-6) over (5.40.1-5) ...",
    "Get:{number} http://mirror.example/debian trixie/main amd64 libboost-regex1.83.0 amd64 1.83.0-4.2 [324 kB]",
    "Setting up dovecot-core (1:2.4.1+dfsg1-6+deb13u1) ...",
    "Nov 22 23:04:59 mx postfix/smtpd[{number}]: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 550 5.7.1 denied",
)


class PrintingServer:
    """A pool with one link, whose journal grows by so many lines a second."""

    def __init__(self, rate: int) -> None:
        numbers = range(rate)
        texts = [LINES[n % len(LINES)].format(number=n) for n in numbers]
        events = [line_of(LogEvent("postfix", text), 1.7e9) for text in texts]
        size = rate // BURSTS_PER_SECOND
        self.chunks = [tuple(events[at : at + size]) for at in range(0, rate, size)]

    async def link(self, server: Server) -> PrintingServer:
        return self

    async def follow(self, request: FollowRun) -> AsyncIterator[JournalChunk]:
        clock = asyncio.get_running_loop().time
        due, number = clock(), 0
        while True:
            yield JournalChunk(number, self.chunks[number % len(self.chunks)], "active")
            number += 1
            due += 1 / BURSTS_PER_SECOND
            await asyncio.sleep(max(0.0, due - clock()))


def main() -> None:
    """Show the dashboard until the terminal goes away."""
    servers, rate = int(sys.argv[1]), int(sys.argv[2])
    hold_collections()
    capabilities.prepare_environment()
    from mailwiz_tui.deploy.follower import Follower
    from mailwiz_tui.deploy.pool import Pool
    from mailwiz_tui.ui.app.application import MailwizApp
    from mailwiz_tui.ui.session.backends import Backends
    from mailwiz_tui.ui.session.session import Session
    from tests.ui.fakes import FakeEngine, FakeFirstSecrets, Script, steps_of

    class Chatty(FakeEngine):
        async def apply(
            self,
            only: Collection[str] = (),
            skip: Mapping[str, Collection[str]] | None = None,
            order: Order | None = None,
        ) -> Mapping[str, ServerOutcome]:
            names = [f"mx{i}" for i in range(1, servers + 1)]
            for name in names:
                for event in steps_of(name, 13, 4):
                    self.emit(event)
            if not rate:
                await asyncio.Event().wait()
            pool = cast(Pool, PrintingServer(rate))
            followers = [Follower(pool, Server(id=name, host="192.0.2.1"), "r1", self.emit) for name in names]
            await asyncio.gather(*(follower.follow() for follower in followers))
            raise AssertionError("servers print without end")

    plan = "version = 1\n" + "".join(f'[[servers]]\nid = "mx{i}"\n' for i in range(1, servers + 1))

    class Watching(MailwizApp):
        def _begin(self, highlighted: str) -> None:
            super()._begin(highlighted)
            from mailwiz_tui.ui.installation.installation import Installation
            from mailwiz_tui.ui.installation.run_model import RunModel

            model = RunModel([f"mx{i}" for i in range(1, servers + 1)])
            self.session.ongoing.installation = Installation(
                Chatty(Script()), model, Backends().verify, FakeFirstSecrets(Script()), self.stage_changed
            )
            self.session.ongoing.installation.start()
            self.show_dashboard()

    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.toml"
        path.write_text(plan, encoding="utf-8")
        with screen_guard():
            Watching(path=path, opener=lambda: Session(path, None, Backends())).run(mouse=False)


if __name__ == "__main__":
    main()
