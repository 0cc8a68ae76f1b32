"""The way through the screens to an installation, and scripts for how it goes."""

from __future__ import annotations

import asyncio
from typing import Any

from textual.pilot import Pilot

from mailwiz_tui.deploy.events import ServerPhase
from mailwiz_tui.ui.app.application import MailwizApp
from mailwiz_tui.ui.installation.dashboard import DashboardScreen
from mailwiz_tui.ui.review.review import ReviewScreen
from tests.ui.fakes import (
    NOT_RUN,
    PASSED,
    FakeClock,
    Script,
    ended,
    steps_of,
)
from tests.ui.grid import screen_text, until


async def review(pilot: Pilot[Any], app: MailwizApp) -> ReviewScreen:
    """Show the review."""
    await until(pilot, lambda: app.focused is not None, "start")
    app.show_review()
    await until(pilot, lambda: isinstance(app.screen, ReviewScreen) and app.focused is not None, "review")
    await pilot.pause()
    assert isinstance(app.screen, ReviewScreen)
    return app.screen


async def install(pilot: Pilot[Any], app: MailwizApp) -> DashboardScreen:
    """Start the installation from the review, by keys."""
    await review(pilot, app)
    await pilot.press("f8")
    await until(pilot, lambda: "Install on mx1?" in screen_text(app), "the question")
    await pilot.press("right", "enter")
    await until(pilot, lambda: isinstance(app.screen, DashboardScreen), "dashboard")
    assert isinstance(app.screen, DashboardScreen)
    return app.screen


def running(script: Script, clock: FakeClock) -> asyncio.Event:
    """A script that stops in the middle of step 6 of 13."""
    script.events = steps_of("mx1", 13, 5)
    script.hold = asyncio.Event()
    return script.hold


def succeed(script: Script) -> None:
    """A script that ends well."""
    script.events = steps_of("mx1", 8, 8)[:-2]
    script.outcomes = {"mx1": ended("mx1", ServerPhase.DONE)}
    script.checks = [PASSED, NOT_RUN]
