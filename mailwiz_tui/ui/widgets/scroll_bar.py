"""A scroll bar of blanks and colours alone, for consoles whose font lacks the eighths of a block."""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBar, ScrollBarRender


class PlainScrollBar(ScrollBarRender):
    """Ends on whole rows; nothing but blanks is drawn."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]


def use_scroll_bars(*, plain: bool) -> None:
    """Choose how every scroll bar is drawn."""
    ScrollBar.renderer = PlainScrollBar if plain else ScrollBarRender
