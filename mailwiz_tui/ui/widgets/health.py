"""The checks of one server during an installation: the number in each state, and the failures."""

from __future__ import annotations

from collections.abc import Mapping

from rich.text import Text
from textual.widgets import Static

from mailwiz_tui.plan.words import counted
from mailwiz_tui.ui.terminal.symbols import CHECK_MARKS, Tone
from mailwiz_tui.ui.terminal.text import safe_line
from mailwiz_tui.ui.widgets.step_strip import tone_style
from mailwiz_tui.verify.result import CheckResult, CheckState


class HealthLine(Static):
    """One row of counts, and up to three rows of failures; hidden until there is a check."""

    def __init__(self, *, plain: bool, id: str | None = None) -> None:  # noqa: A002
        super().__init__("", markup=False, id=id)
        self.plain = plain
        self.display = False
        self._shown: tuple[int, int] = (-1, -1)

    def show(self, checks: Mapping[str, CheckResult]) -> None:
        """Draw the results so far."""
        failed = [c for c in checks.values() if c.state is CheckState.FAILED]
        now = (len(checks), len(failed))
        if now == self._shown:
            return
        self._shown = now
        self.display = bool(checks)
        text = Text("Checks ", no_wrap=True, overflow="ellipsis")
        for state, mark in CHECK_MARKS.items():
            count = sum(1 for c in checks.values() if c.state is state)
            if count:
                style = tone_style(self.app.theme_variables, mark.tone) if mark.tone is not Tone.IDLE else ""
                words = counted(count, mark.word) if state is CheckState.WARNING else f"{count} {mark.word}"
                text.append(f"  {mark.sign(plain=self.plain)} {words}", style=style)
        for check in failed[:3]:
            text.append(f"\n  {CHECK_MARKS[CheckState.FAILED].sign(plain=self.plain)} {check.id}: ", style="bold")
            text.append(safe_line(check.detail))
        self.update(text)
