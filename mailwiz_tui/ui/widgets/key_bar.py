"""The bottom row: the keys of the screen, the most important first, as many as fit."""

from __future__ import annotations

from rich.text import Text
from textual.events import Resize
from textual.widgets import Static

from mailwiz_tui.ui.app.actions import Action, actions_for


class KeyBar(Static):
    """Keys of a screen from the action registry; actions that are not possible now are dim."""

    def __init__(self, *scopes: str) -> None:
        super().__init__("", markup=False)
        self.scopes = scopes

    def on_mount(self) -> None:
        self.draw()

    def on_resize(self, event: Resize) -> None:
        self.draw()

    def draw(self) -> None:
        """Draw the keys that fit, ordered by rank."""
        width = self.size.width or self.app.size.width
        chosen: list[Action] = []
        used = 1
        for action in sorted((a for a in actions_for("app", *self.scopes) if a.bar), key=self._rank):
            needed = len(action.key_text) + len(action.label) + 3
            if used + needed <= width:
                chosen.append(action)
                used += needed
        text = Text(" ", no_wrap=True)
        for action in sorted(chosen, key=lambda a: a.bar):
            dim = self._why_not(action) != ""
            text.append(action.key_text, style="dim" if dim else "bold")
            text.append(f" {action.label}  ", style="dim" if dim else "")
        self.update(text)

    def _rank(self, action: Action) -> tuple[int, int]:
        always = {"app.help": 0, "app.quit": 1, "step.next": 2, "step.back": 3}
        if self._why_not(action):
            return (9, action.bar)
        special = 4 if self.scopes and action.scope == self.scopes[-1] else 5
        return (always.get(action.id, special), action.bar)

    def _why_not(self, action: Action) -> str:
        why_not = getattr(self.screen, "why_not", None)
        return str(why_not(action.id)) if why_not is not None else ""
