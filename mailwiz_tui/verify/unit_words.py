"""A unit in the words of the component that it belongs to: what it means when it is down, and its short name."""

from __future__ import annotations

from functools import cache

from mailwiz_tui.stack.compile import COMPONENTS
from mailwiz_tui.stack.unit_words import UnitWords

_EVERY = tuple(words for component in COMPONENTS for words in component.units)


@cache
def unit_rank(label: str) -> int:
    """The place of a unit, named without ``.service``, in the order of installation; those unknown come last."""
    return next((rank for rank, words in enumerate(_EVERY) if words.matches(label)), len(_EVERY))


def unit_words(label: str) -> UnitWords:
    """The words for a unit, named without ``.service``; for one that no component knows, its name alone."""
    rank = unit_rank(label)
    return _EVERY[rank] if rank < len(_EVERY) else UnitWords(label, "")
