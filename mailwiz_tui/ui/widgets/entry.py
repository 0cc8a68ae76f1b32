"""A one-row input that fits forms: no blinking cursor, arrow keys leave it upwards and downwards.

What stands in it is selected when the focus arrives: the first key typed replaces it, an arrow key, Home or End
keeps it for changing. What is wrong is not selected, so that it can be mended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input


class Entry(Input):
    """A compact Input; Up and Down go to the neighbouring field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up", "app.focus_previous", show=False),
        Binding("down", "app.focus_next", show=False),
    ]

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        password: bool = False,
        select: bool = True,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(
            value=value,
            placeholder=placeholder,
            password=password,
            compact=True,
            select_on_focus=select,
            id=id,
        )
        self.cursor_blink = False
        self.on_enter: Callable[[], None] | None = None

    async def action_submit(self) -> None:
        """Enter is handled at once where a form asked for it, so that a key typed ahead meets the next field."""
        if self.on_enter is not None:
            self.on_enter()
        else:
            await super().action_submit()
