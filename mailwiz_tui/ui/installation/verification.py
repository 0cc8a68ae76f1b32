"""The results of the checks: failures first, each with what it proves, what was found and what to do."""

from __future__ import annotations

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from mailwiz_tui.plan.steps import STEPS
from mailwiz_tui.ui.app.actions import bindings_for
from mailwiz_tui.ui.app.main_screen import MainScreen
from mailwiz_tui.ui.session.session import Session
from mailwiz_tui.ui.terminal.symbols import CHECK_MARKS
from mailwiz_tui.ui.terminal.text import in_rows, safe_line
from mailwiz_tui.ui.widgets.no_markup import NoMarkup
from mailwiz_tui.ui.widgets.step_strip import tone_style
from mailwiz_tui.verify.obstacle import gravity
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.verdict import Grade, Verdict, verdict

VERDICT_ROWS = 2
"""The maximum rows of one sentence of the verdict; the list of checks has the full text."""
ORDER = (CheckState.FAILED, CheckState.WARNING, CheckState.NOT_RUN, CheckState.PASSED)


class VerificationScreen(MainScreen):
    """The verdict, and the list of checks."""

    BINDINGS: ClassVar[list[BindingType]] = [*bindings_for("verify")]
    scopes: tuple[str, ...] = ("verify",)
    heading = "Verification"
    help_text = (
        "At the top is what blocks mail, the most severe first: from outside, to outside, from mail programs; "
        "then what works.\n\n"
        "Each check says what it proves. Failures come first, with what was expected, what was found, and what to "
        "do. “Not run” means that a check was not possible, and why: for example port 25 is blocked from here."
    )

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._rows: list[CheckResult] = []

    def page(self) -> ComposeResult:
        with Vertical(id="verification"):
            yield NoMarkup("", id="verdict")
            yield OptionList(id="checks", markup=False, compact=True)

    def on_mount(self) -> None:
        self.draw()
        self.query_one(OptionList).focus()

    def session_changed(self) -> None:
        if self.is_mounted and not self.session.ongoing.busy:
            self.draw()

    @property
    def results(self) -> list[CheckResult]:
        """All results, failures first, then by their effect on mail, then in the order of the plan's servers."""
        installation = self.session.ongoing.installation
        if installation is None:
            return []
        servers = list(installation.model.servers)
        order = {server_id: number for number, server_id in enumerate(servers)}
        return sorted(
            installation.results,
            key=lambda r: (ORDER.index(r.state), gravity(r.obstacles), order.get(r.server_id, len(servers))),
        )

    def draw(self) -> None:
        """Draw verdict and checks."""
        self._rows = self.results
        installation = self.session.ongoing.installation
        error = installation.verify_error if installation else ""
        found = verdict(self._rows)
        area = self.query_one("#verdict", NoMarkup)
        area.show(self._error(error) if error else self._verdict(found))
        area.set_class(bool(error) or found.grade is Grade.BAD, "bad")
        area.set_class(not error and found.grade is Grade.HINDERED, "warn")
        area.set_class(not error and found.grade is Grade.GOOD, "good")
        chooser = self.query_one(OptionList)
        chooser.clear_options()
        chooser.add_options([Option(self._row(result)) for result in self._rows])
        chooser.highlighted = 0 if self._rows else None

    def _error(self, error: str) -> str:
        return f"{'x' if self.wizard.plain else '✗'} the checks could not run: {error}"

    def _verdict(self, found: Verdict) -> str:
        """What blocks mail, then what works, then recommendations; cut so that the checks have room."""
        width, room = max(self.app.size.width - 2, 20), max(self.app.size.height // 3, 3)
        plain = self.wizard.plain
        bad = "!" if found.grade is Grade.HINDERED else "x" if plain else "✗"
        good = "" if found.grave else "* " if plain else "✓ "
        rows = [in_rows(f"{bad} {sentence}", width, VERDICT_ROWS) for sentence in found.grave]
        rows += [in_rows(f"{good or '  '}{found.works}", width, VERDICT_ROWS)]
        rows += [in_rows(f"  {sentence}", width, VERDICT_ROWS) for sentence in found.recommended]
        return "\n".join("\n".join(rows).split("\n")[:room])

    def _row(self, result: CheckResult) -> Text:
        mark = CHECK_MARKS[result.state]
        text = Text(overflow="fold")
        text.append(
            f"{mark.text(plain=self.wizard.plain):<10}", style=tone_style(self.app.theme_variables, mark.tone)
        )
        text.append(f" {safe_line(result.id)}", style="bold")
        where = (
            result.server_id
            if result.vantage in ("operator", result.server_id)
            else f"{result.server_id} from {result.vantage}"
        )
        text.append(f"  ({safe_line(where)})\n")
        text.append(f"    {safe_line(result.proves)}")
        if result.state is not CheckState.PASSED:
            text.append(f"\n    {safe_line(result.detail)}")
            if result.advice:
                text.append(f"\n    What to do: {safe_line(result.advice)}", style="bold")
        return text

    def why_not(self, action_id: str) -> str:
        if action_id == "verify.again" and self.session.ongoing.busy:
            return "the checks are running"
        if action_id == "verify.failures" and not any(r.state is CheckState.FAILED for r in self._rows):
            return "no check failed"
        return self.wizard.why_no_monitor() if action_id == "verify.monitor" else ""

    def action_again(self) -> None:
        """Run all checks again; the dashboard shows them."""
        if not self.refused("verify.again") and self.session.ongoing.installation is not None:
            self.session.ongoing.installation.start_verification()
            self.wizard.show_dashboard()

    def action_next_failure(self) -> None:
        if self.refused("verify.failures"):
            return
        chooser = self.query_one(OptionList)
        failures = [i for i, r in enumerate(self._rows) if r.state is CheckState.FAILED]
        at = chooser.highlighted if chooser.highlighted is not None else -1
        chooser.highlighted = next((i for i in failures if i > at), failures[0])

    def action_monitor(self) -> None:
        """Show the monitor."""
        if not self.refused("verify.monitor"):
            self.wizard.show_monitor()

    def action_log(self) -> None:
        self.wizard.show_dashboard()

    def action_steps(self) -> None:
        self.wizard.show_step(STEPS[0].id)
