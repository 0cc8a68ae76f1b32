"""F2: jump to any step, or to the review."""

from __future__ import annotations

from collections.abc import Sequence

from textual.widget import Widget
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailwiz_tui.ui.dialogs.dialog import Dialog
from mailwiz_tui.ui.terminal.symbols import STEP_MARKS


class StepsDialog(Dialog[str]):
    """Returns a step's id, ``review``, or an empty text."""

    harmless = ""
    help_text = "The number of a step jumps to it at once. No answer is lost: each is saved at once."

    def __init__(self, steps: Sequence[tuple[str, int, str, str]], current: int, *, plain: bool) -> None:
        super().__init__("Go to")
        self._steps = steps
        self._current = current
        self._plain = plain

    def content(self) -> Sequence[Widget]:
        options = [
            Option(f"{number}  {title:<28}{STEP_MARKS[state].text(plain=self._plain)}", id=step_id)
            for step_id, number, title, state in self._steps
        ]
        options.append(Option("   Review, then install", id="review"))
        chooser = OptionList(*options, markup=False, compact=True, id="steps")
        chooser.highlighted = self._current - 1
        return (chooser,)

    def on_key(self, event: object) -> None:
        """A step's number jumps to it at once."""
        key = getattr(event, "character", None) or ""
        chosen = next((step_id for step_id, number, *_ in self._steps if str(number) == key), "")
        if chosen:
            self.dismiss(chosen)
        else:
            super().on_key(event)

    def focus_first(self) -> None:
        self.query_one(OptionList).focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self.dismiss(event.option.id or "")
