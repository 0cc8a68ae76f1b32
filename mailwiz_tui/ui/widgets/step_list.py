"""The list of the eight steps with their states, at the side of wide windows."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import Static

from mailwiz_tui.ui.terminal.symbols import STEP_MARKS, Tone
from mailwiz_tui.ui.widgets.step_strip import tone_style


class StepList(Static):
    """Two rows for each step: number and title, below them the state as symbol and word."""

    def __init__(self, current: int) -> None:
        super().__init__("", markup=False)
        self.current = current

    def show(self, steps: Sequence[tuple[int, str, str]], *, plain: bool) -> None:
        """Draw ``(number, title, state)`` of each step."""
        text = Text()
        for number, title, state in steps:
            here = number == self.current
            pointer = STEP_MARKS["here"].sign(plain=plain) if here else " "
            mark = STEP_MARKS[state]
            text.append(f"{pointer}{number} {title}\n", style="bold" if here else "")
            style = tone_style(self.app.theme_variables, mark.tone) if mark.tone is not Tone.IDLE else "dim"
            text.append(f"   {mark.text(plain=plain)}\n", style=style)
        self.update(text)
