"""A one-row input for forms: no blinking cursor; Up and Down go to the neighbouring field.

The text is selected when the field gets the focus: the first character replaces it; an arrow key, Home or End
keeps it for editing. A faulty text is not selected, so that it can be corrected.
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
        """Handle Enter at once if a form wants that, so that a key typed ahead arrives in the next field."""
        if self.on_enter is not None:
            self.on_enter()
        else:
            await super().action_submit()
