"""Dialogs: a box over a screen that returns one value; Escape always means the harmless answer."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button

from mailwiz_tui.ui.actions import bindings_for
from mailwiz_tui.ui.late_timers import LateTimers
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

T = TypeVar("T")
GRACE_SECONDS = 0.5


class Dialog(LateTimers, ModalScreen[T], Generic[T]):
    """Title, scrolling text, extra widgets, buttons.

    A dialog that comes up by itself (``sudden``) ignores keys for half a second, so that a key meant for
    the screen below answers nothing.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("dialog")]
    AUTO_FOCUS = ""
    sudden: ClassVar[bool] = False
    harmless: T

    def __init__(self, title: str, body: str = "") -> None:
        super().__init__()
        self.heading = title
        self.body = body

    def compose(self) -> ComposeResult:
        with Vertical(id="box"):
            yield NoMarkup(self.heading, id="dialog-title")
            with VerticalScroll(id="dialog-body", can_focus=False):
                if self.body:
                    yield NoMarkup(self.body, id="dialog-text")
                yield from self.content()
            with Horizontal(id="buttons"):
                for answer, label in self.buttons():
                    yield Button(label, id=f"answer-{answer}", compact=True)

    def content(self) -> Sequence[Widget]:
        """Further widgets under the text."""
        return ()

    def buttons(self) -> Sequence[tuple[str, str]]:
        """Answer and label of each button, the harmless one first."""
        return (("close", "Close"),)

    def on_mount(self) -> None:
        for entry in self.query(Entry):
            entry.on_enter = partial(self.entered, entry)
        if self.sudden:
            self.set_focus(None)
            self.query_one("#box").disabled = True
            self.set_timer(GRACE_SECONDS, self._open)
        else:
            self.focus_first()

    def _open(self) -> None:
        self.query_one("#box").disabled = False
        self.focus_first()

    def focus_first(self) -> None:
        """Focus the first field, or the harmless button."""
        for widget in (*self.query(Entry), *self.query(Button)):
            widget.focus()
            return

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.answered((event.button.id or "").removeprefix("answer-"))

    def on_key(self, event: object) -> None:
        """Left and Right walk between the buttons."""
        key = getattr(event, "key", "")
        if isinstance(self.focused, Button) and key in ("left", "right", "up", "down"):
            buttons = list(self.query(Button))
            at = buttons.index(self.focused)
            step = 1 if key in ("right", "down") else -1
            buttons[(at + step) % len(buttons)].focus()

    def entered(self, entry: Entry) -> None:
        """Enter in a field: on to the next one at once, or after the last one the answer."""
        entries = list(self.query(Entry))
        at = entries.index(entry)
        if at + 1 < len(entries):
            self.set_focus(entries[at + 1])
        else:
            self.answered(self.submit_answer())

    def submit_answer(self) -> str:
        """The button that Enter in the last field stands for."""
        return self.buttons()[-1][0]

    def answered(self, answer: str) -> None:
        """A button was pressed."""
        self.dismiss(self.harmless)

    def action_close(self) -> None:
        """Escape: the harmless answer."""
        self.dismiss(self.harmless)


class ChoiceDialog(Dialog[str]):
    """Asks for one of several answers; the first is harmless and has the focus."""

    harmless = ""

    def __init__(self, title: str, body: str, answers: Sequence[tuple[str, str]]) -> None:
        super().__init__(title, body)
        self._answers = tuple(answers)

    def buttons(self) -> Sequence[tuple[str, str]]:
        return self._answers

    def answered(self, answer: str) -> None:
        self.dismiss(answer)


class ConfirmDialog(Dialog[bool]):
    """Yes or no; no has the focus."""

    harmless = False

    def __init__(self, title: str, body: str, yes: str = "Yes", no: str = "No") -> None:
        super().__init__(title, body)
        self._labels = (("no", no), ("yes", yes))

    def buttons(self) -> Sequence[tuple[str, str]]:
        return self._labels

    def answered(self, answer: str) -> None:
        self.dismiss(answer == "yes")


class TextDialog(Dialog[str]):
    """Asks for one line, for example a file's name; empty if declined."""

    harmless = ""

    def __init__(self, title: str, body: str, value: str = "", ok: str = "Save") -> None:
        super().__init__(title, body)
        self._value = value
        self._ok = ok

    def content(self) -> Sequence[Widget]:
        return (Entry(self._value, id="dialog-entry"),)

    def buttons(self) -> Sequence[tuple[str, str]]:
        return (("close", "Cancel"), ("ok", self._ok))

    def answered(self, answer: str) -> None:
        self.dismiss(self.query_one("#dialog-entry", Entry).value.strip() if answer == "ok" else "")


class NoticeDialog(Dialog[None]):
    """Tells something that needs more room than a row."""

    harmless = None
