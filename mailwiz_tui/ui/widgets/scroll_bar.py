"""Scroll bars: one of blanks only, for consoles without block characters; and one that is rarely repainted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import ceil
from typing import ClassVar, Self

from textual.geometry import Region
from textual.scrollbar import ScrollBar, ScrollBarRender


class PlainScrollBar(ScrollBarRender):
    """Draws only blanks, so that it ends on whole rows."""

    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]


class SteadyScrollBar(ScrollBar):
    """Is repainted only if its appearance changes, not at each line added to a long log."""

    _drawn: tuple[object, ...] = ()
    _held = False

    @contextmanager
    def held(self) -> Iterator[None]:
        """Change several values, then check once whether the appearance changed."""
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
        appearance = self._appearance()
        if repaint and not (layout or recompose or regions) and appearance == self._drawn:
            return self
        self._drawn = appearance
        return super().refresh(*regions, repaint=repaint, layout=layout, recompose=recompose)

    def _appearance(self) -> tuple[object, ...]:
        """Start and end of the thumb in eighths of a cell, computed as in ``ScrollBarRender.render_bar``."""
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
    """Set the renderer of all scroll bars."""
    ScrollBar.renderer = PlainScrollBar if plain else ScrollBarRender
