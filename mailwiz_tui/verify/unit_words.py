"""The words of a component about its unit: its short name, and what it means when the unit is down."""

from __future__ import annotations

from functools import cache

from mailwiz_tui.stack.compile import COMPONENTS
from mailwiz_tui.stack.unit_words import UnitWords

_EVERY = tuple(words for component in COMPONENTS for words in component.units)


@cache
def unit_rank(label: str) -> int:
    """The index of a unit, named without ``.service``, in the order of installation; unknown ones come last."""
    return next((rank for rank, words in enumerate(_EVERY) if words.matches(label)), len(_EVERY))


def unit_words(label: str) -> UnitWords:
    """The words for a unit, named without ``.service``; only the name if no component knows it."""
    rank = unit_rank(label)
    return _EVERY[rank] if rank < len(_EVERY) else UnitWords(label, "")
