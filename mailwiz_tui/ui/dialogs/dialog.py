"""Dialogs: a box over a screen that returns one value; Escape always gives the harmless answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

from rich.cells import cell_len
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.events import Resize
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Button

from mailwiz_tui.ui.app.actions import bindings_for, key_table
from mailwiz_tui.ui.app.help_pages import key_page, wrapped
from mailwiz_tui.ui.terminal.late_timers import LateTimers
from mailwiz_tui.ui.terminal.size_classes import SizeClasses
from mailwiz_tui.ui.widgets.entry import Entry
from mailwiz_tui.ui.widgets.no_markup import NoMarkup

T = TypeVar("T")
GRACE_SECONDS = 0.5
BOX = 76
LEAST_BUTTON = 16
"""Columns of the box, and of its narrowest button."""
KEYS = (
    ("Tab, ↑ ↓", "Go to the next or the previous field or button"),
    ("← →", "Move between the buttons"),
    ("Enter", "In a field: go to the next field or, from the last, accept; on a button: press it"),
    ("Esc", "Close the dialog without doing anything"),
)


class Dialog(LateTimers, SizeClasses, ModalScreen[T], Generic[T]):
    """Title, scrolling text, extra widgets, buttons.

    A dialog that opens without a key (``sudden``) ignores keys for half a second, so that a key typed for
    the screen below does not answer it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("dialog")]
    scopes: ClassVar[tuple[str, ...]] = ()
    AUTO_FOCUS = ""
    sudden: bool = False
    help_text: ClassVar[str] = ""
    """Shown by F1 after the dialog's own text."""
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

    def help_page(self) -> tuple[str, str]:
        """Title and text of the help for this dialog."""
        width = max(30, min(100, self.app.size.width - 4) - 5)
        labels = ", ".join(f"“{label}”" for _, label in self.buttons())
        keys = key_page("Keys", [*KEYS, *key_table(*self.scopes)], width)
        parts = (wrapped(self.help_words(), width), wrapped(f"Answers: {labels}.", width) if labels else "", keys)
        return self.heading, "\n\n".join(part for part in parts if part)

    def help_words(self) -> str:
        """The help text before the answers and the keys."""
        return "\n\n".join(part for part in (self.body, self.help_text) if part)

    def content(self) -> Sequence[Widget]:
        """Further widgets below the text."""
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

    def on_resize(self, event: Resize) -> None:
        """Stack the buttons if they do not fit side by side."""
        wanted = sum(max(LEAST_BUTTON, cell_len(str(button.label)) + 2) + 2 for button in self.query(Button))
        self.set_class(wanted > min(event.size.width, BOX) - 4, "-stacked")

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
        """The arrow keys move between the buttons."""
        key = getattr(event, "key", "")
        if isinstance(self.focused, Button) and key in ("left", "right", "up", "down"):
            buttons = list(self.query(Button))
            at = buttons.index(self.focused)
            step = 1 if key in ("right", "down") else -1
            buttons[(at + step) % len(buttons)].focus()

    def entered(self, entry: Entry) -> None:
        """Enter in a field: focus the next one at once, or give the answer after the last."""
        entries = list(self.query(Entry))
        at = entries.index(entry)
        if at + 1 < len(entries):
            self.set_focus(entries[at + 1])
        else:
            self.answered(self.submit_answer())

    def submit_answer(self) -> str:
        """The answer that Enter in the last field gives."""
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
    """Asks for one line, for example a file name; returns an empty text if it was cancelled.

    ``take`` uses the line and returns why that failed, or an empty text; the reason is shown below the line, which
    stays.
    """

    harmless = ""
    help_text = "If the text cannot be used or the file cannot be written, the reason is shown and the text stays."

    def __init__(
        self, title: str, body: str, value: str = "", ok: str = "Save", take: Callable[[str], str] = lambda text: ""
    ) -> None:
        super().__init__(title, body)
        self._value = value
        self._ok = ok
        self._take = take

    def content(self) -> Sequence[Widget]:
        return (Entry(self._value, id="dialog-entry"), NoMarkup("", id="dialog-error"))

    def buttons(self) -> Sequence[tuple[str, str]]:
        return (("close", "Cancel"), ("ok", self._ok))

    def answered(self, answer: str) -> None:
        entry = self.query_one("#dialog-entry", Entry)
        text = entry.value.strip() if answer == "ok" else ""
        why_not = self._take(text) if text else ""
        if why_not:
            self.query_one("#dialog-error", NoMarkup).show(why_not)
            entry.add_class("-fault")
            entry.select_on_focus = False  # the operator corrects it, rather than type it again
            self.set_focus(entry)
            self.call_after_refresh(self.query_one("#dialog-body").scroll_end, animate=False)
        else:
            self.dismiss(text)


def save_dialog(title: str, body: str, path: Path, write: Callable[[Path], None]) -> TextDialog:
    """Asks for a file name and writes the file; if that fails, it shows the reason and the path stays."""

    def take(text: str) -> str:
        named = Path(text).expanduser()
        try:
            write(named)
        except FileExistsError as error:
            if not os.path.lexists(named):
                return f"{named} could not be written: {error.filename} is not a directory. Choose another path"
            return f"{named} exists already, so nothing was written. Choose another name"
        except OSError as error:
            return f"{named} could not be written: {error.strerror or error}. Choose another path"
        return ""

    return TextDialog(title, body, str(path), take=take)
