"""Navigation between the main screens: by keys, by the palette, or from a finding to its field."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from textual.screen import Screen

from mailwiz_tui.ui.session.paths import remember
from mailwiz_tui.ui.terminal.key_order import KeyOrder

if TYPE_CHECKING:
    from mailwiz_tui.ui.dialogs.prompts import DialogPrompts
    from mailwiz_tui.ui.session.session import Session


class Navigation(KeyOrder):
    """Replaces one main screen by another; each is built from the session when it is shown."""

    _opening_monitor = False

    @property
    @abstractmethod
    def session(self) -> Session:
        """The plan and everything the screens share."""

    @property
    @abstractmethod
    def prompts(self) -> DialogPrompts:
        """Asks the operator for host keys, passwords and passphrases."""

    def show(self, screen: Screen[None]) -> None:
        """Replace the current main screen, closing dialogs above it."""
        self.clear_notifications()
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if len(self.screen_stack) > 1:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def show_step(self, step_id: str, focus: str = "") -> None:
        """Show a step, built from the draft; ``focus`` is the path of a field to go to."""
        from mailwiz_tui.ui.wizard import step_screens

        remember(self.session.path, self.session.inventory.source)
        self.show(step_screens.make(step_id, self.session, focus))

    def show_path(self, path: str) -> None:
        """Jump to the step and field of a finding's path."""
        from mailwiz_tui.plan.steps import STEPS, step_of

        spec = step_of(path)
        self.show_step(spec.id if spec is not None else STEPS[0].id, path)

    def show_review(self) -> None:
        """Show the review: what is missing and what will be installed."""
        from mailwiz_tui.ui.review.review import ReviewScreen

        self.show(ReviewScreen(self.session))

    def show_start(self) -> None:
        """Show the start screen."""
        from mailwiz_tui.ui.app.start import StartScreen

        self.show(StartScreen(self.session))

    def show_accounts(self, back: Callable[[], Screen[None]]) -> None:
        """Show the accounts of the running mail server; ``back`` makes the screen to return to."""
        from mailwiz_tui.ui.accounts.accounts import AccountsScreen

        self.show(AccountsScreen(self.session, back=back))

    def why_no_monitor(self) -> str:
        """Why the plan's servers cannot be monitored, or empty."""
        if self.session.plan() is None:
            return "the plan is not complete; the review says what is missing"
        return ""

    @property
    def opening(self) -> bool:
        """Whether a screen is being opened; keys wait for it."""
        return self._opening_monitor

    def show_monitor(self) -> None:
        """Show the monitor; the present screen says so while the modules are loaded."""
        from mailwiz_tui.ui.app.main_screen import MainScreen

        if self.session.plan() is None or self._opening_monitor:
            return
        self._opening_monitor = True
        self.hold_keys()
        if isinstance(self.screen, MainScreen):
            self.screen.show_background("Opening the monitor…")
        self.run_worker(self._open_monitor(self.screen), group="monitor", exit_on_error=False)

    async def _open_monitor(self, at: Screen[Any]) -> None:
        from mailwiz_tui.ui.app.main_screen import MainScreen
        from mailwiz_tui.ui.session.backends import error_sentence

        try:
            await asyncio.to_thread(_load_monitor)
            plan = self.session.plan()
            if plan is None:
                return
            remember(self.session.path, self.session.inventory.source)
            self.session.ongoing.monitor(plan, self.prompts, self.session.asked_resolver)
        except Exception as error:
            self.notify(error_sentence(error), severity="error", markup=False, timeout=8)
        else:
            from mailwiz_tui.ui.monitoring.monitor import MonitorScreen

            self.show(MonitorScreen(self.session))
        finally:
            self._opening_monitor = False
            if isinstance(at, MainScreen) and at.is_mounted:
                at.show_background("")
            self.give_held_keys()

    def show_dashboard(self) -> None:
        """Show the installation."""
        from mailwiz_tui.ui.installation.dashboard import DashboardScreen

        self.show(DashboardScreen(self.session))

    def show_results(self) -> None:
        """Show the first passwords if they were not acknowledged yet, else the results of the checks."""
        installation = self.session.ongoing.installation
        if installation is None:
            return
        if installation.handover:
            from mailwiz_tui.ui.installation.credentials import CredentialsScreen

            self.show(CredentialsScreen(self.session))
        else:
            from mailwiz_tui.ui.installation.verification import VerificationScreen

            self.show(VerificationScreen(self.session))


def _load_monitor() -> None:
    """Import the modules of the monitor, which takes seconds on a slow machine."""
    from mailwiz_tui.deploy import engine
    from mailwiz_tui.ui.monitoring import monitor
    from mailwiz_tui.verify import watch

    del engine, monitor, watch
