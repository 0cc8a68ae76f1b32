"""Changes of the plan file by another program while it is open: shown, and asked about if they conflict."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from mailwiz_tui.ui.app.navigation import Navigation

if TYPE_CHECKING:
    from mailwiz_tui.plan.merge import Difference

TOLD = 3
SECONDS = 20


def sentence(name: str, changes: Sequence[Difference]) -> str:
    """What changed: ``plan.toml was changed by another program: domain.hostname is now mx.example.com``."""
    from mailwiz_tui.plan.merge import words

    said = [f"{change.label} is now {words(change.now)}" for change in changes[:TOLD]]
    if len(changes) > TOLD:
        said.append(f"{len(changes) - TOLD} more")
    return f"{name} was changed by another program: {'; '.join(said)}"


class OutsideChanges(Navigation):
    """Shows what other programs wrote into the plan file."""

    def look_at_plan_file(self) -> None:
        """Check whether the file changed, and try again to save unsaved answers."""
        from mailwiz_tui.ui.app.main_screen import MainScreen

        self.session.look_at_file()
        for screen in self.screen_stack:
            # a screen that is just being mounted is checked the next time
            if (
                isinstance(screen, MainScreen)
                and screen.is_mounted
                and screen.shown_save_problem != screen.save_problem()
            ):
                screen.session_changed()
                screen.show_save_problem()

    def plan_changed_outside(self, changes: Sequence[Difference], conflicts: Sequence[Difference]) -> None:
        """Say what changed and show it; ask about keys that were changed here too."""
        self.call_later(self._show_outside, tuple(changes), tuple(conflicts))

    def _show_outside(self, changes: Sequence[Difference], conflicts: Sequence[Difference]) -> None:
        from mailwiz_tui.ui.app.main_screen import MainScreen

        for screen in tuple(self.screen_stack):
            if isinstance(screen, MainScreen) and screen.is_mounted:
                screen.plan_changed_outside()
        if changes:
            said = sentence(self.session.path.name, changes)
            self.notify(said, severity="warning", markup=False, timeout=SECONDS)
        if conflicts:
            self._ask(conflicts)

    def _ask(self, conflicts: Sequence[Difference]) -> None:
        from mailwiz_tui.plan.merge import words
        from mailwiz_tui.ui.dialogs.dialog import ChoiceDialog

        lines = "\n".join(
            f"  {c.label}\n    here: {words(c.now)}\n    in the file: {words(c.former)}" for c in conflicts
        )
        dialog = ChoiceDialog(
            "Changed here and by another program",
            f"Another program changed {self.session.path.name} while it was open here:\n\n{lines}\n\n"
            "The file now contains the values typed here.",
            (("mine", "Keep the values typed here"), ("theirs", "Use the other values")),
        )
        dialog.sudden = True
        self.push_screen(dialog, partial(self._conflicts_answered, conflicts))

    def _conflicts_answered(self, conflicts: Sequence[Difference], answer: str | None) -> None:
        if answer == "theirs":
            for conflict in conflicts:
                self.session.set(conflict.path, conflict.former)
            self._show_outside((), ())
