"""The steps of one server's installation: state as symbol and word, and duration."""

from __future__ import annotations

from rich.cells import set_cell_size
from rich.text import Text
from textual.containers import VerticalScroll
from textual.widgets import Static

from mailwiz_tui.ui.installation.server_run import ServerRun, StepRun
from mailwiz_tui.ui.terminal.symbols import INSTALL_STEP_MARKS, Tone, elapsed_text
from mailwiz_tui.ui.terminal.text import fit
from mailwiz_tui.ui.widgets.step_strip import tone_style


class StepTable(VerticalScroll):
    """``show()`` draws a server's steps if they changed."""

    def __init__(self, *, plain: bool, id: str | None = None) -> None:  # noqa: A002
        super().__init__(Static("", markup=False), id=id)
        self.plain = plain
        self._drawn = ""

    def show(self, run: ServerRun | None, now: float) -> None:
        """Draw the present steps."""
        if not self.size.width:
            return
        text = Text(no_wrap=True)
        width = max(20, self.size.width - 1)
        for index, step in sorted(run.steps.items()) if run else ():
            text.append_text(self._row(index, step, now, width))
        if not text.plain:
            text = Text("The steps are shown when the installation starts.")
        key = f"{width}{text.plain}"
        if key != self._drawn:
            self._drawn = key
            self.query_one(Static).update(text)

    def _row(self, index: int, step: StepRun, now: float, width: int) -> Text:
        mark = INSTALL_STEP_MARKS[step.phase]
        seconds = step.seconds(now)
        took = elapsed_text(seconds) if seconds is not None else ""
        room = max(8, width - 2 - 3 - 13 - 6)
        row = Text(no_wrap=True)
        tone = tone_style(self.app.theme_variables, mark.tone) if mark.tone is not Tone.IDLE else ""
        row.append(f"{index:>2} {fit(step.title, room)} ")
        row.append(set_cell_size(mark.text(plain=self.plain), 13), style=tone)
        row.append(f"{took:>6}\n")
        return row
