"""A choice whose options are shown on one row (or a few): ``(•) strict  ( ) softfail  ( ) neutral``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.message import Message
from textual.widget import Widget


@dataclass(frozen=True, slots=True)
class Option:
    """One option: the plan's value and its label.

    ``why_not``: why it cannot be chosen, or empty. ``later``: it is discouraged or not available yet.
    """

    value: object
    label: str
    why_not: str = ""
    later: bool = False


class ChoiceRow(Widget, can_focus=True):
    """One of a few options, changed by the arrow keys or Space; Enter goes to the next field.

    Stacked options are changed by Up and Down too; beyond the first or last option these leave the row.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left", "move(-1)", show=False),
        Binding("right,space", "move(1)", show=False),
        Binding("up", "vertical(-1)", show=False),
        Binding("down", "vertical(1)", show=False),
        Binding("enter", "submit", show=False),
    ]

    class Changed(Message):
        """Another option was chosen."""

        def __init__(self, row: ChoiceRow, value: object) -> None:
            super().__init__()
            self.row = row
            self.value = value

    class Refused(Message):
        """An option was skipped because it cannot be chosen."""

        def __init__(self, row: ChoiceRow, option: Option) -> None:
            super().__init__()
            self.row = row
            self.option = option

    class Submitted(Message):
        """Enter was pressed."""

        def __init__(self, row: ChoiceRow) -> None:
            super().__init__()
            self.row = row

    def __init__(
        self,
        options: Sequence[Option],
        value: object,
        *,
        stacked: bool = False,
        plain: bool = False,
        id: str | None = None,  # noqa: A002
    ) -> None:
        super().__init__(id=id)
        self.options = tuple(options)
        self.stacked = stacked
        self.plain = plain
        self.on_enter: Callable[[], None] | None = None
        self.index = next((i for i, o in enumerate(self.options) if o.value == value), -1)

    @property
    def value(self) -> object:
        """The value of the chosen option, or None."""
        return self.options[self.index].value if 0 <= self.index < len(self.options) else None

    def render(self) -> Text:
        return Text("\n", overflow="fold").join(self._lines(self.size.width))

    def get_content_height(self, container: object, viewport: object, width: int) -> int:
        if self.stacked:
            return len(self.render().wrap(self.app.console, max(10, width)))
        return len(self._lines(width))

    def _lines(self, width: int) -> list[Text]:
        """The options laid out in lines; an option is broken only if it is alone on its line."""
        lines: list[Text] = []
        for i, option in enumerate(self.options):
            piece = self._piece(i, option)
            if self.stacked or not lines or lines[-1].cell_len + 2 + piece.cell_len > width:
                lines.append(Text(overflow="fold").append_text(piece))
            else:
                lines[-1].append("  ").append_text(piece)
        return lines

    def _piece(self, index: int, option: Option) -> Text:
        chosen = index == self.index
        style = "bold" if chosen else "dim strike" if option.why_not else "dim" if option.later else ""
        if chosen and self.has_focus:
            style = "bold reverse"
        mark = ("(*)" if self.plain else "(•)") if chosen else "( )"
        reason = f" – {option.why_not}" if option.why_not and self.stacked else ""
        return Text(f"{mark} {option.label}{reason}", style=style, overflow="fold")

    def choose(self, value: object) -> None:
        """Choose without a message, for values from the draft."""
        self.index = next((i for i, o in enumerate(self.options) if o.value == value), -1)
        self.refresh(layout=True)

    def action_move(self, by: int) -> None:
        count = len(self.options)
        skipped: list[Option] = []
        for distance in range(1, count + 1):
            index = (self.index + by * distance) % count if self.index >= 0 else (0 if by > 0 else count - 1)
            if not self.options[index].why_not or index == self.index:
                break
            skipped.append(self.options[index])
        else:
            return
        if index != self.index:
            self.index = index
            self.refresh()
            self.post_message(self.Changed(self, self.value))
        if skipped:
            self.post_message(self.Refused(self, skipped[0]))

    def action_vertical(self, by: int) -> None:
        """Up or Down: to the next option if they are stacked, else to the next field."""
        rest = self.options[self.index + 1 :] if by > 0 else self.options[: max(0, self.index)]
        if self.stacked and any(not option.why_not for option in rest):
            self.action_move(by)
        elif by > 0:
            self.app.action_focus_next()
        else:
            self.app.action_focus_previous()

    def show_options(self, options: Sequence[Option]) -> None:
        """Show changed options; the chosen one stays chosen."""
        if tuple(options) != self.options:
            chosen = self.value
            self.options = tuple(options)
            self.choose(chosen)

    def action_submit(self) -> None:
        if self.on_enter is not None:
            self.on_enter()
        else:
            self.post_message(self.Submitted(self))

    def on_click(self, event: Click) -> None:
        """A click chooses the next option, if the mouse is enabled."""
        self.action_move(1)
