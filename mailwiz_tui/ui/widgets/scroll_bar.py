"""Scroll bars: of blanks alone for consoles whose font lacks the eighths of a block; and one that keeps still."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import ClassVar, Self

from textual.geometry import Region
from textual.scrollbar import ScrollBar, ScrollBarRender


class PlainScrollBar(ScrollBarRender):
    """Ends on whole rows; nothing but blanks is drawn."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]


class SteadyScrollBar(ScrollBar):
    """Is painted anew only where its picture changes, not whenever a line was added to twenty thousand."""

    _drawn: tuple[object, ...] = ()
    _held = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let several values change before it is looked whether the picture did."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            self.refresh()

    def refresh(
        self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False
    ) -> Self:
        if self._held and not (layout or recompose):
            return self
        picture = self._picture()
        if repaint and not (layout or recompose or regions) and picture == self._drawn:
            return self
        self._drawn = picture
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _picture(self) -> tuple[object, ...]:
        """Where the thumb begins and ends, in eighths of a cell, as ``ScrollBarRender.render_bar`` has it."""
        if not self.is_mounted:
            return ()
        length = self.size.height if self.vertical else self.size.width
        whole, window = self.window_virtual_size, self.window_size
        state = (self.size, self.mouse_over, self.grabbed is not None, self.app.theme)
        if not length or not window or window >= whole:
            return (*state, 0, 0)
        thumb = max(1, window * length / whole)
        start = int((length - thumb) * self.position / (whole - window) * 8)
        return (*state, start, start + ceil(thumb * 8))


def use_scroll_bars(*, plain: bool) -> None:
    """Choose how every scroll bar is drawn."""
    ScrollBar.renderer = PlainScrollBar if plain else ScrollBarRender
