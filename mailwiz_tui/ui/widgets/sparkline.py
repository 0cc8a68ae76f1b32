"""Numbers as a row of little bars."""

from __future__ import annotations

from collections.abc import Sequence

BARS = "▁▂▃▄▅▆▇█"
PLAIN_BARS = "_.:-=+*#"


def sparkline(values: Sequence[int], *, plain: bool) -> str:
    """A bar for each value; nothing at all is the lowest bar, and anything more is seen."""
    bars = PLAIN_BARS if plain else BARS
    most = max(values, default=0)
    if most <= 0:
        return bars[0] * len(values)
    top = len(bars) - 1
    return "".join(bars[0] if value <= 0 else bars[max(1, round(value / most * top))] for value in values)
