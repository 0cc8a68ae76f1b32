"""The program the dashboard's benchmark runs: the real application, with servers that print without end.

``python -m tests.bench.busy_dashboard SERVERS LINES_PER_SECOND``; with 0 lines the servers work in silence.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from mailwiz_tui.install.events import LogLine
from mailwiz_tui.ui import terminal
from mailwiz_tui.ui.pauses import hold_collections
from mailwiz_tui.ui.ports import OutcomeLike
from mailwiz_tui.ui.screen_guard import screen_guard

BURSTS_PER_SECOND = 20
LINES = (
    "Unpacking libperl5.40:amd64 (5.40.1-6) over (5.40.1-5) ...",
    "Get:{number} http://mirror.example/debian trixie/main amd64 libboost-regex1.83.0 amd64 1.83.0-4.2 [324 kB]",
    "Setting up dovecot-core (1:2.4.1+dfsg1-6+deb13u1) ...",
    "Nov 22 23:04:59 mx postfix/smtpd[{number}]: NOQUEUE: reject: RCPT from unknown[192.0.2.7]: 550 5.7.1 denied",
)


def main() -> None:
    """Show the dashboard until the terminal goes away."""
    servers, rate = int(sys.argv[1]), int(sys.argv[2])
    hold_collections()
    terminal.prepare_environment()
    from mailwiz_tui.ui.mailwiz import MailwizApp
    from mailwiz_tui.ui.session import Backends, Session
    from tests.ui.fakes import FakeEngine, Script, steps_of

    class Chatty(FakeEngine):
        async def apply(
            self, only: Collection[str] = (), skip: Mapping[str, Collection[str]] | None = None
        ) -> Mapping[str, OutcomeLike]:
            names = [f"mx{i}" for i in range(1, servers + 1)]
            for name in names:
                for event in steps_of(name, 13, 4):
                    self.emit(event)
            number, burst, due = 0, rate // BURSTS_PER_SECOND, asyncio.get_running_loop().time()
            while True:
                for name in names:
                    for _ in range(burst):
                        number += 1
                        self.emit(LogLine(name, "postfix", LINES[number % len(LINES)].format(number=number)))
                due += 1 / BURSTS_PER_SECOND
                await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))

    plan = "version = 1\n" + "".join(f'[[servers]]\nid = "mx{i}"\n' for i in range(1, servers + 1))

    class Watching(MailwizApp):
        def _begin(self, highlighted: str) -> None:
            super()._begin(highlighted)
            from mailwiz_tui.ui.installation import Installation
            from mailwiz_tui.ui.run_model import RunModel

            model = RunModel([f"mx{i}" for i in range(1, servers + 1)])
            self.session.installation = Installation(Chatty(Script()), model, Backends().verify, self.stage_changed)
            self.session.installation.start()
            self.show_dashboard()

    with TemporaryDirectory() as folder:
        path = Path(folder) / "plan.toml"
        path.write_text(plan, encoding="utf-8")
        with screen_guard():
            Watching(path=path, opener=lambda: Session(path, None, Backends())).run(mouse=False)


if __name__ == "__main__":
    main()
