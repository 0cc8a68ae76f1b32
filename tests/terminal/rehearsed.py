"""The real application with an engine that plays a script: ``python -m tests.terminal.rehearsed PLAN``.

The installation waits in its midst until the file ``go`` is beside the plan; its log holds what a hostile server
would print, and libraries print at the same time.
"""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import SecretStr

from mailwiz_tui.deploy.batches import Order
from mailwiz_tui.deploy.engine_api import EngineApi
from mailwiz_tui.deploy.events import LogLine, ServerChanged, ServerPhase
from mailwiz_tui.deploy.outcome import ServerOutcome
from mailwiz_tui.deploy.prompts import Prompts
from mailwiz_tui.fleet.server import Inventory
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.ui.terminal import capabilities
from mailwiz_tui.ui.terminal.screen_guard import forget_fixed_size, screen_guard
from tests.ui.fakes import PASSED, PASSWORD, FakeEngine, Script, backends, ended, steps_of

PLAN = """\
version = 1
architecture = "single"

[[servers]]
id = "mx1"
roles = ["all-in-one"]

[domain]
primary_domain = "example.com"
hostname = "mail.example.com"

[security.tls]
provider = "selfsigned"
[security.dkim]
selector = "2026a"
"""
INVENTORY = '[[servers]]\nid = "mx1"\nhost = "192.0.2.21"\npublic_ipv4 = "192.0.2.21"\n'
NOISE = "printed-by-a-library"
HOSTILE = (
    "clipboard \x1b]52;c;ZXZpbA==\x07 title \x1b]0;owned\x07 end",
    "screen \x1b[2J\x1b[H\x1b[?1049l cleared \x9b31m \x1bP+q544e\x1b\\ end",
    "markup [red]not red[/red] [/etc/postfix] [@click=app.quit]no link[/]",
    "right to left \u202eevil \u2066 end",
    "long " + "x" * 1_000_000,
)


def make_noise() -> None:
    """Print in every way that a library or a child has."""
    os.write(1, f"{NOISE} fd 1\n".encode())
    os.write(2, f"{NOISE} fd 2\n".encode())
    logging.getLogger("asyncssh").error("%s logged", NOISE)
    warnings.warn(f"{NOISE} warned", stacklevel=1)
    print(f"{NOISE} print", file=sys.stderr)
    subprocess.run(["sh", "-c", f"echo {NOISE} child; echo {NOISE} child >&2"], check=True)


class Rehearsed(FakeEngine):
    """Installs as far as the middle, then waits."""

    def __init__(self, script: Script, plan: Plan, go: Path) -> None:
        super().__init__(script, plan)
        self.go = go

    async def apply(
        self,
        only: Collection[str] = (),
        skip: Mapping[str, Collection[str]] | None = None,
        order: Order | None = None,
    ) -> Mapping[str, ServerOutcome]:
        for event in steps_of("mx1", 8, 4):
            self.emit(event)
        for line in HOSTILE:
            self.emit(LogLine("mx1", "postfix", line))
        make_noise()
        while not self.go.exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        self.emit(ServerChanged("mx1", ServerPhase.DONE))
        return {"mx1": ended("mx1", ServerPhase.DONE)}

    async def close(self) -> None:
        self.go.with_name("closed").touch()


def main() -> None:
    """Write plan and inventory where they are missing, and show the screens."""
    path = Path(sys.argv[1])
    if not path.exists():
        path.write_text(PLAN, encoding="utf-8")
        path.with_name("inventory.toml").write_text(INVENTORY, encoding="utf-8")
    capabilities.prepare_environment()
    forget_fixed_size()
    from mailwiz_tui.ui.app.application import MailwizApp
    from mailwiz_tui.ui.session.backends import Backends
    from mailwiz_tui.ui.session.session import Session

    script = Script(checks=[PASSED], accounts={"postmaster@example.com": SecretStr(PASSWORD)})
    fakes = backends(script)

    def engine(
        plan: Plan, inventory: Inventory, *, prompts: Prompts, facts_path: Path, adopt: Collection[str]
    ) -> EngineApi:
        return Rehearsed(script, plan, path.with_name("go"))

    app = MailwizApp(
        Session(path, None, Backends(engine, fakes.verify, fakes.probe, first_secrets=fakes.first_secrets))
    )
    with screen_guard():
        app.run(mouse=False)
    if app.crash_message:
        sys.exit(app.crash_message)
    sys.exit(app.return_code or 0)


if __name__ == "__main__":
    main()
