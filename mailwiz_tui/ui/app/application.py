"""The Textual application: start and end, what all screens have in common, and the handling of crashes."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import App, SystemCommand
from textual.binding import BindingType
from textual.css.query import NoMatches
from textual.screen import Screen

from mailwiz_tui.ui.app.actions import actions_for, bindings_for
from mailwiz_tui.ui.app.crash import crash_line, write_crash_report
from mailwiz_tui.ui.app.leaving import SafeLeaving
from mailwiz_tui.ui.app.main_screen import MainScreen
from mailwiz_tui.ui.app.opening import OpeningScreen
from mailwiz_tui.ui.app.outside_changes import OutsideChanges
from mailwiz_tui.ui.terminal import capabilities
from mailwiz_tui.ui.terminal.garbage_pauses import settle_collections
from mailwiz_tui.ui.terminal.late_timers import LateTimers
from mailwiz_tui.ui.terminal.styled_once import StyledOnce
from mailwiz_tui.ui.terminal.theme import CONTRAST, DARK, SIXTEEN, THEMES, add_further_styles, first_styles
from mailwiz_tui.ui.terminal.window_title import restore_title, set_title
from mailwiz_tui.ui.widgets.scroll_bar import use_scroll_bars

if TYPE_CHECKING:
    from mailwiz_tui.ui.app.wizard_app import WizardApp
    from mailwiz_tui.ui.dialogs.prompts import DialogPrompts
    from mailwiz_tui.ui.installation.installation import Stage
    from mailwiz_tui.ui.session.session import Session

    def _as_screens_know_it(app: MailwizApp) -> WizardApp:
        """Lets mypy check that the application implements the screens' interface."""
        return app


LOOK_SECONDS = 2.0
"""Seconds between two checks whether another program changed the plan file."""
LAB_SECONDS = 0.5
FINAL_STAGES = ("done", "failed")
WIDTHS = [(0, "-tiny-width"), (60, "-narrow"), (80, "-normal"), (100, "-side"), (120, "-wide")]
HEIGHTS = [(0, "-tiny-height"), (20, "-enough")]


class MailwizApp(LateTimers, StyledOnce, OutsideChanges, SafeLeaving):
    """The wizard. Its screens show one ``Session``; each main screen replaces the previous one."""

    TITLE = "mailwiz-tui"
    CSS = first_styles()
    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("app")]
    HORIZONTAL_BREAKPOINTS = WIDTHS
    VERTICAL_BREAKPOINTS = HEIGHTS
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self,
        session: Session | None = None,
        *,
        path: Path | None = None,
        opener: Callable[[], Session] | None = None,
        begin: str = "",
    ) -> None:
        """Show a session, or the plan at ``path`` with the session that ``opener`` makes after the first paint.

        Loading the session takes longer than painting the first screen. ``opener`` runs in a thread; an exception
        in it ends the program and is stored in ``opening_error``. ``begin`` is a row of the start list that is
        chosen at once, such as ``monitor``.
        """
        plain_colours = capabilities.wants_plain_colours()
        super().__init__(ansi_color=True if plain_colours else None)
        for theme in THEMES:
            self.register_theme(theme)
        self._usual_theme = SIXTEEN.name if plain_colours else DARK.name
        self._start_with_theme(self._usual_theme)
        self._session = session
        self._path = path or Path("plan.toml")
        self._opener = opener
        self._loading: asyncio.Task[None] | None = None
        self._chosen = begin
        self._prompts: DialogPrompts | None = None
        self.opening_error: Exception | None = None
        self.plain = capabilities.wants_ascii()
        self.set_class(self.plain, "-ascii")
        use_scroll_bars(plain=self.plain)
        self.crash_message = ""
        self._lab_shown = False

    def _start_with_theme(self, name: str) -> None:
        """Set a theme before anything is styled; assigning ``theme`` would parse every style twice."""
        self.set_reactive(App.theme, name)
        self.set_class(True, f"-theme-{name}", update=False)
        self.stylesheet.set_variables(self.get_css_variables())

    @property
    def session(self) -> Session:
        """The plan and everything the screens share."""
        assert self._session is not None
        return self._session

    @property
    def has_session(self) -> bool:
        """Whether the session is loaded; that takes a moment after the first paint."""
        return self._session is not None

    @property
    def prompts(self) -> DialogPrompts:
        """Asks the operator for host keys, passwords and passphrases."""
        from mailwiz_tui.ui.dialogs.prompts import DialogPrompts

        if self._prompts is None:
            self._prompts = DialogPrompts(self)
        return self._prompts

    def get_default_screen(self) -> Screen[None]:
        """The opening screen, painted at once instead of an empty one; it stays below the later screens."""
        if self._session is None:
            return OpeningScreen(self._path, self._choose)
        return Screen()

    def on_mount(self) -> None:
        """Handle the signals that would leave the terminal in a wrong mode, and show the start screen."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
                loop.add_signal_handler(number, self._leave_on_signal, number)
        if self._session is not None:
            self._begin("")
        else:
            self.screen.call_after_refresh(self._load)

    def _choose(self, key: str) -> None:
        self._chosen = key
        self.hold_keys()

    def _load(self) -> None:
        self._loading = asyncio.create_task(self._open_session(), name="open session")

    async def _open_session(self) -> None:
        assert self._opener is not None
        try:
            self._session = await asyncio.to_thread(self._opener)
        except Exception as error:
            self.opening_error = error
            self.exit(2)
            return
        opening = self.screen_stack[0]
        self._begin(opening.highlighted if isinstance(opening, OpeningScreen) else "")
        await asyncio.to_thread(_warm)
        settle_collections()

    def _begin(self, highlighted: str) -> None:
        from mailwiz_tui.ui.app.start import StartScreen

        add_further_styles(self.stylesheet)
        self.session.on_change = self._session_changed
        self.session.on_outside = self.plan_changed_outside
        self.set_interval(LOOK_SECONDS, self.look_at_plan_file)
        self.set_interval(LAB_SECONDS, self._show_lab)
        self.hold_keys()
        self.show(StartScreen(self.session, highlighted, self._chosen))

    def _leave_on_signal(self, number: int) -> None:
        """Nobody can be asked now: try once more to save unsaved answers, then exit."""
        if self._session is not None and self._session.draft.unsaved:
            self._session.save_again()
        self.exit(return_code=128 + number)

    async def on_unmount(self) -> None:
        """Close connections; installations continue on the servers."""
        restore_title(self)
        if self._loading is not None:
            self._loading.cancel()
        if self._session is not None:
            await self._session.close()

    def stage_changed(self, stage: Stage) -> None:
        """Set the window title, and ring the bell at the end: the operator may be looking elsewhere."""
        set_title(self, f"{stage.value}: {self.session.path.stem} – mailwiz-tui")
        if stage.value in FINAL_STAGES:
            self.bell()
        self._session_changed()

    def _session_changed(self) -> None:
        for screen in self.screen_stack:
            if isinstance(screen, MainScreen):
                screen.session_changed()

    def _show_lab(self) -> None:
        """While lab hosts boot, show the progress on every screen."""
        # The timer may fire once more while the app closes and no screen is left.
        lab, screen = self.session.lab, self.screen_stack[-1] if self.screen_stack else None
        if not isinstance(screen, MainScreen) or not screen.is_mounted:
            return
        if lab is not None and lab.running:
            screen.show_background(f"Lab hosts: {lab.line} – l on the start screen shows more")
            self._lab_shown = True
        elif self._lab_shown:
            self._lab_shown = False
            screen.show_background("")
            if lab is not None and lab.state == "failed":
                self.notify(f"The lab hosts did not boot: {lab.error}", severity="error", markup=False, timeout=15)
            elif lab is not None and lab.state == "ready":
                self.notify("The lab hosts are up; their inventory is in use", markup=False, timeout=8)

    def action_help(self) -> None:
        """Explain the present screen or dialog; F1 again closes the help."""
        from mailwiz_tui.ui.dialogs.dialog import Dialog
        from mailwiz_tui.ui.dialogs.lines_dialog import HelpDialog

        screen = self.screen
        if isinstance(screen, HelpDialog):
            screen.dismiss(None)
        elif isinstance(screen, (MainScreen, Dialog)):
            add_further_styles(self.stylesheet)
            title, text = screen.help_page()
            self.push_screen(HelpDialog(title, text))

    def action_contrast(self) -> None:
        """Switch between the usual and the high-contrast colours."""
        self.theme = CONTRAST.name if self.theme != CONTRAST.name else self._usual_theme

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Every action of the screen by name; with the reason if it is not possible now."""
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
        """Exit with one line and a report without values, instead of a traceback with local variables.

        A screen that was still being built when the program started to exit misses removed widgets: ignored.
        """
        if isinstance(error, NoMatches) and (self._exit or not self.is_running):
            return
        self._return_code = 1
        if self._exception is None:
            self._exception = error
            self._exception_event.set()
            self.crash_message = crash_line(error, write_crash_report(error))
        self._close_messages_no_wait()


def _warm() -> None:
    """Import the modules that the next keys need."""
    from mailwiz_tui.deploy import pool
    from mailwiz_tui.ui.wizard import step_screens

    del pool, step_screens
