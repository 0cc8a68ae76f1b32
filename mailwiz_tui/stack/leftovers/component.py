"""Removal of files and units of an earlier plan; the agent finds them in its own records."""

from __future__ import annotations

from mailwiz_tui.stack import blueprint
from mailwiz_tui.stack.blueprint import Step
from mailwiz_tui.stack.component import Component, Context, Contribution


class Leftovers(Component):
    """One item, after everything that replaces them."""

    name = "leftovers"
    title = "removal of earlier choices"

    def wanted(self, context: Context) -> bool:
        """Every server."""
        return True

    def contribute(self, context: Context, so_far: tuple[Contribution, ...]) -> Contribution:
        """One item; ``component.py`` explains it."""
        step = Step("leftovers", "Remove what left the plan", self.name, (blueprint.Leftovers(),))
        return Contribution(steps=(step,))
