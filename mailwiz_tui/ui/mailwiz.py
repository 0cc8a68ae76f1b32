"""The Textual application: which screen is shown, leaving cleanly, and what happens if something breaks."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.screen import Screen

from mailwiz_tui.plan.steps import STEPS, step_of
from mailwiz_tui.ui import terminal
from mailwiz_tui.ui.actions import actions_for, bindings_for
from mailwiz_tui.ui.crash import crash_line, write_crash_report
from mailwiz_tui.ui.installation import Stage
from mailwiz_tui.ui.paths import remember
from mailwiz_tui.ui.prompts import DialogPrompts
from mailwiz_tui.ui.screens.dialog import ChoiceDialog
from mailwiz_tui.ui.screens.help import HelpDialog
from mailwiz_tui.ui.screens.main_screen import MainScreen
from mailwiz_tui.ui.session import Session
from mailwiz_tui.ui.theme import CONTRAST, DARK, SIXTEEN, THEMES

STYLES: list[str | PurePath] = [*sorted(Path(__file__).parent.rglob("*.tcss"))]
WIDTHS = [(0, "-tiny-width"), (60, "-narrow"), (80, "-normal"), (100, "-side"), (120, "-wide")]
HEIGHTS = [(0, "-tiny-height"), (20, "-enough")]


class MailwizApp(App[int]):
    """The wizard. Its screens show one ``Session``; every main screen replaces the one before it."""

    TITLE = "mailwiz-tui"
    CSS_PATH = STYLES
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("app")]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    ENABLE_COMMAND_PALETTE = True

    def __init__(self, session: Session) -> None:
        plain_colours = terminal.wants_plain_colours()
        super().__init__(ansi_color=True if plain_colours else None)
        for theme in THEMES:
            self.register_theme(theme)
        self._usual_theme = SIXTEEN.name if plain_colours else DARK.name
        self.theme = self._usual_theme
        self.session = session
        self.plain = terminal.wants_ascii()
        self.prompts = DialogPrompts(self)
        self.crash_message = ""
        session.on_change = self._session_changed

    def on_mount(self) -> None:
        """Take over the signals that would leave the terminal in disorder, and show the start screen."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._leave_on_signal, number)
        from mailwiz_tui.ui.screens.start import StartScreen

        self.show(StartScreen(self.session))

    def _leave_on_signal(self, number: int) -> None:
        self.exit(return_code=128 + number)

    async def on_unmount(self) -> None:
        """Drop connections; installations go on by themselves on the servers."""
        await self.session.close()

    def show(self, screen: Screen[None]) -> None:
        """Show a main screen in place of the present one, closing dialogs above it."""
        while len(self.screen_stack) > 2:
            self.pop_screen()
        if len(self.screen_stack) > 1:
            self.switch_screen(screen)
        else:
            self.push_screen(screen)

    def show_step(self, step_id: str, focus: str = "") -> None:
        """Show a step, built anew from the draft; ``focus`` is the path of a field to go to."""
        from mailwiz_tui.ui.screens import step_screens

        remember(self.session.path, self.session.inventory.source)
        self.show(step_screens.make(step_id, self.session, focus))

    def show_path(self, path: str) -> None:
        """Jump to the step and field that a finding is about."""
        spec = step_of(path)
        self.show_step(spec.id if spec is not None else STEPS[0].id, path)

    def show_review(self) -> None:
        """Show what is missing and what will be done."""
        from mailwiz_tui.ui.screens.review import ReviewScreen

        self.show(ReviewScreen(self.session))

    def show_dashboard(self) -> None:
        """Show the installation."""
        from mailwiz_tui.ui.screens.dashboard import DashboardScreen

        self.show(DashboardScreen(self.session))

    def show_results(self) -> None:
        """Show the first passwords if nobody has seen them yet, else what the checks found."""
        installation = self.session.installation
        if installation is None:
            return
        if installation.accounts or installation.recovery_key:
            from mailwiz_tui.ui.screens.credentials import CredentialsScreen

            self.show(CredentialsScreen(self.session))
        else:
            from mailwiz_tui.ui.screens.verification import VerificationScreen

            self.show(VerificationScreen(self.session))

    def stage_changed(self, stage: Stage) -> None:
        """Ring when an installation came to its end, for the operator may be looking elsewhere."""
        if stage in (Stage.DONE, Stage.FAILED):
            self.bell()
        self._session_changed()

    def _session_changed(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, MainScreen):
                screen.session_changed()

    def action_help(self) -> None:
        """Explain the present screen."""
        screen = self.screen
        if isinstance(screen, MainScreen):
            title, text = screen.help_page()
            self.push_screen(HelpDialog(title, text))

    def action_contrast(self) -> None:
        """Switch between the usual and the high-contrast colours."""
        self.theme = CONTRAST.name if self.theme != CONTRAST.name else self._usual_theme

    def action_quit_safely(self) -> None:
        """Leave at once when nothing runs; else say what leaving means, and ask."""
        if not self.session.running:
            self.exit(0)
            return
        if isinstance(self.screen, ChoiceDialog):
            return

        def answered(answer: str | None) -> None:
            if answer == "leave":
                self.exit(0)

        self.push_screen(
            ChoiceDialog(
                "An installation is running",
                "It goes on by itself on the servers if you leave. Start mailwiz-tui again with this plan to "
                "watch it: installing attaches to what runs.",
                (("stay", "Stay here"), ("leave", "Leave it running and quit")),
            ),
            answered,
        )

    async def action_quit(self) -> None:
        """Textual's own quit takes the same way."""
        self.action_quit_safely()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action of the screen by name; those that cannot be taken now say why."""
        scopes = screen.scopes if isinstance(screen, MainScreen) else ()
        for action in actions_for("app", *scopes):
            if action.name == "command_palette":
                continue
            why_not = screen.why_not(action.id) if isinstance(screen, MainScreen) else ""
            note = f" (not now: {why_not})" if why_not else ""
            owner = self if action.scope == "app" else screen
            yield SystemCommand(
                f"{action.label} ({action.key_text})", action.help + note, getattr(owner, f"action_{action.name}")
            )

    def _handle_exception(self, error: Exception) -> None:
        """Leave with one line and a report without values, instead of a traceback with locals."""
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
            self.crash_message = crash_line(error, write_crash_report(error))
        self._close_messages_no_wait()
