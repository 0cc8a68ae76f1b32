"""One row with the present step, its state in a word, and the symbols of all eight steps."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text
from textual.widgets import Static

from mailwiz_tui.ui.terminal.symbols import STEP_MARKS, Tone

TONE_VARIABLES = {
    Tone.GOOD: "success",
    Tone.WARN: "warning",
    Tone.BAD: "error",
    Tone.BUSY: "accent",
    Tone.IDLE: "foreground",
}


class StepStrip(Static):
    """``3/8 Domains: not yet   1✓ 2✓ 3▸ 4! 5○ …``; the words stay readable without colour."""

    def __init__(self, current: int = 0) -> None:
        super().__init__("", markup=False)
        self.current = current

    def show(self, steps: Sequence[tuple[int, str, str]], *, plain: bool) -> None:
        """Draw ``(number, title, state)`` of each step; states are the keys of ``STEP_MARKS``."""
        colours = self.app.theme_variables
        text = Text(" ", no_wrap=True)
        for number, title, state in steps:
            if number == self.current:
                mark = STEP_MARKS[state]
                text.append(f"{number}/{len(steps)} {title}", style="bold")
                text.append(": ")
                text.append(mark.text(plain=plain), style=self._style(colours, mark.tone))
        text.append("   ")
        for number, _, state in steps:
            mark = STEP_MARKS["here"] if number == self.current else STEP_MARKS[state]
            style = self._style(colours, mark.tone)
            text.append(
                f" {number}{mark.sign(plain=plain)}", style=f"bold {style}" if number == self.current else style
            )
        self.update(text)

    def _style(self, colours: dict[str, str], tone: Tone) -> str:
        return tone_style(colours, tone)


def tone_style(colours: dict[str, str], tone: Tone) -> str:
    """The Rich style of a tone in the present theme; empty if the theme leaves it to the terminal."""
    value = colours.get(TONE_VARIABLES[tone], "")
    if tone is Tone.IDLE or not value:
        return ""
    return value.removeprefix("ansi_") if value.startswith("ansi_") else value
