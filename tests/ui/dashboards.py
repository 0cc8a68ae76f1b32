"""A dashboard to look at, with a script behind it."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.pilot import Pilot

from mailwiz_tui.deploy.events import LogLine, ServerChanged, ServerPhase, StepChanged, StepPhase
from mailwiz_tui.deploy.history import History
from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.installation.dashboard import DashboardScreen
from mailwiz_tui.ui.installation.installation import Installation
from mailwiz_tui.ui.installation.run_model import RunModel
from tests.ui.fakes import FakeClock, FakeEngine, FakeFirstSecrets, Script, backends, steps_of
from tests.ui.grid import until


async def watch(
    pilot: Pilot[Any], app: MailwizApp, script: Script, clock: FakeClock, servers: int = 1, *, attach: bool = False
) -> DashboardScreen:
    """Show the dashboard of an installation on so many servers, which the script drives."""
    model = RunModel([f"mx{i}" for i in range(1, servers + 1)], clock, History().span)
    installation = Installation(
        FakeEngine(script), model, backends(script).verify, FakeFirstSecrets(script), app.stage_changed
    )
    app.session.ongoing.installation = installation
    if attach:
        installation.start_watching()
    else:
        installation.start()
    app.show_dashboard()
    await until(pilot, lambda: isinstance(app.screen, DashboardScreen) and app.focused is not None, "dashboard")
    assert isinstance(app.screen, DashboardScreen)
    return app.screen


async def settle(pilot: Pilot[Any], screen: DashboardScreen) -> None:
    """Let everything be laid out, then draw once more."""
    for _ in range(3):
        screen.tick()
        await pilot.pause()


def several(script: Script, count: int) -> None:
    """Servers that are each a little further, and one that failed."""
    script.hold = asyncio.Event()
    for number in range(1, count + 1):
        script.events += steps_of(f"mx{number}", 13, number)
    step = ("postfix", "Postfix", 3, 13)
    script.events += [
        StepChanged("mx2", *step, StepPhase.FAILED, "postfix check failed"),
        LogLine("mx2", "postfix", "postfix: fatal: bad numerical configuration: message_size_limit = big"),
        ServerChanged("mx2", ServerPhase.FAILED, "postfix check failed: bad number", "set a number of bytes"),
    ]
