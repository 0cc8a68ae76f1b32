"""The base of all main screens: title, keys, the notice for small terminals, reasons why an action is refused."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import Screen

from mailwiz_tui.ui.app.actions import MOVING, key_table
from mailwiz_tui.ui.app.help_pages import key_page, wrapped
from mailwiz_tui.ui.terminal.late_timers import LateTimers
from mailwiz_tui.ui.terminal.size_classes import SizeClasses
from mailwiz_tui.ui.widgets.key_bar import KeyBar
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.title_bar import TitleBar

if TYPE_CHECKING:
    from mailwiz_tui.ui.app.wizard_app import WizardApp
    from mailwiz_tui.ui.session.session import Session

MINIMUM = (60, 20)


class MainScreen(LateTimers, SizeClasses, Screen[None]):
    """A screen of the wizard that shows one ``Session``."""

    scopes: tuple[str, ...] = ()
    heading: str = ""
    help_text: str = ""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        self.shown_save_problem = ""
        session.draft.withdraw()

    @property
    def wizard(self) -> WizardApp:
        """The application, by the interface that screens use."""
        return cast("WizardApp", self.app)

    def compose(self) -> ComposeResult:
        yield TitleBar(f"mailwiz-tui  {self.heading}", self.note())
        yield NoMarkup("", id="save-problem")
        yield NoMarkup("", id="background")
        with Vertical(id="page"):
            yield from self.page()
        yield KeyBar(*self.scopes)
        yield NoMarkup(
            f"This window is too small.\n\nmailwiz-tui needs {MINIMUM[0]} columns and {MINIMUM[1]} rows;\n"
            "80×24 shows every screen in full.\n\nNothing is lost: make the window larger.\nCtrl+Q quits.",
            id="too-small",
        )

    def page(self) -> ComposeResult:
        """The screen's own widgets."""
        yield from ()

    def note(self) -> str:
        """The text at the right of the title bar."""
        return str(self.session.path.name)

    def help_page(self) -> tuple[str, str]:
        """Title and text of this screen's help."""
        return self.heading, "\n\n".join(part for part in (self.help_words(), self.help_keys()) if part)

    @property
    def help_width(self) -> int:
        """The width of the help text in columns."""
        return max(40, min(100, self.app.size.width - 4) - 5)

    def help_words(self) -> str:
        """The help text before the keys."""
        return wrapped(self.help_text, self.help_width)

    def help_keys(self) -> str:
        """The help text about the keys."""
        keys = key_page("Keys", key_table(*self.scopes, "app"), self.help_width)
        return f"{keys}\n\n{key_page('Moving', MOVING, self.help_width)}"

    def why_not(self, action_id: str) -> str:
        """Why an action is not possible now, or empty."""
        return ""

    def refused(self, action_id: str) -> bool:
        """Show why an action is not possible now; True if it is not."""
        reason = self.why_not(action_id)
        if reason:
            self.tell(reason)
        return bool(reason)

    def tell(self, text: str, *, problem: bool = False) -> None:
        """Show a short notification over the screen."""
        self.notify(text, severity="error" if problem else "information", markup=False, timeout=8 if problem else 4)

    def action_accounts(self) -> None:
        """Show the accounts of the running mail server; F7 returns to this screen."""
        if self.refused(f"{self.scopes[-1]}.accounts"):
            return
        self.wizard.show_accounts(back=lambda: type(self)(self.session))

    def on_mount(self) -> None:
        self.show_save_problem()

    def show_save_problem(self) -> None:
        """Show under the title why answers are not in the plan file, as long as that is so."""
        words = self.shown_save_problem = self.save_problem()
        area = self.query_one("#save-problem", NoMarkup)
        area.show(words)
        area.set_class(bool(words), "-shown")

    def show_background(self, words: str) -> None:
        """Show under the title what runs in the background; an empty text hides the row."""
        area = self.query_one("#background", NoMarkup)
        area.show(words)
        area.set_class(bool(words), "-shown")

    def save_problem(self) -> str:
        """Why answers are not in the plan file, and what to do; empty if they are."""
        if not self.session.save_problem:
            return ""
        advice = " Ctrl+Q tries again or saves to another file." if self.session.draft.unsaved else ""
        return f"{self.session.save_problem}.{advice}"

    def unfinished(self) -> str:
        """What would be lost if the program ended now, as a sentence; empty if nothing."""
        return ""

    def plan_changed_outside(self) -> None:
        """Another program changed the plan file: show the current answers."""
        self.session_changed()

    def session_changed(self) -> None:
        """Something other than an answer changed; screens that show it redraw it."""
