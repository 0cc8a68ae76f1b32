"""What an earlier plan brought and this one does not want; the agent finds it by what it remembers."""

from __future__ import annotations

from mailwiz_tui.stack import blueprint
from mailwiz_tui.stack.blueprint import Step
from mailwiz_tui.stack.component import Component, Context, Contribution


class Leftovers(Component):
    """After everything that takes its place."""

    name = "leftovers"
    title = "removal of earlier choices"

    def wanted(self, context: Context) -> bool:
        """Every server."""
        return True

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """One item; see ``component.py`` for what it does."""
        step = Step("leftovers", "Remove what the plan dropped", self.name, (blueprint.Leftovers(),))
        return Contribution(steps=(step,))
