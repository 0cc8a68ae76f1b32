"""Screens have the style classes of the terminal's size before their first layout, not after it.

Textual sets the classes of ``HORIZONTAL_BREAKPOINTS`` when the first resize event arrives: it lays a new screen out
without them, then styles every widget and lays it out again.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from textual.screen import Screen


class SizeClasses(Screen[Any]):
    """A part of screens that knows the terminal's size as it is composed."""

    def on_compose(self) -> None:
        """Set the classes while there are no widgets yet that would be styled anew."""
        width, height = self.app.size
        chosen = {
            _class_for(width, self.app.HORIZONTAL_BREAKPOINTS or ()),
            _class_for(height, self.app.VERTICAL_BREAKPOINTS or ()),
        }
        self.update_classes(dict.fromkeys(chosen - {""}, True), update=False)


def _class_for(extent: int, breakpoints: Sequence[tuple[int, str]]) -> str:
    """The class of the largest breakpoint that a width or height reaches; empty where it reaches none."""
    return max(((least, name) for least, name in breakpoints if extent >= least), default=(0, ""))[1]
