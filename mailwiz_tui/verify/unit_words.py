"""A unit in the words of the component that it belongs to: what it means when it is down, and its short name."""

from __future__ import annotations

from functools import cache

from mailwiz_tui.stack.compile import COMPONENTS
from mailwiz_tui.stack.unit_words import UnitWords


@cache
def unit_words(label: str) -> UnitWords:
    """The words for a unit, named without ``.service``; for one that no component knows, its name alone."""
    every = (words for component in COMPONENTS for words in component.units)
    return next((words for words in every if words.matches(label)), UnitWords(label, ""))
