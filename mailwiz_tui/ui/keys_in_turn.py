"""Gives a key to the widget that has the focus once the keys before it have done what they do.

Textual hands a key to the widget with the focus at the moment the key arrives, and the key then climbs from queue
to queue to the binding that moves the focus or opens a screen. Keys that come together, as over a slow line or on
a busy machine, would all meet the first of those widgets: what was typed for the next field would end up in this.
"""

from __future__ import annotations

from collections import deque

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.timer import Timer

PATIENCE_SECONDS = 1.0
"""How long a key may keep the next ones waiting; it takes longer only where a handler is stuck."""

PASSES = 2
"""The key's own way up to the application, and that of a message (a press, a choice) that it made a widget send."""

LEAVING_KEY = "ctrl+q"


class KeysInTurn(App[int]):
    """An application that holds keys and pasted text back while the key before them is on its way."""

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._held: deque[events.Key | events.Paste] = deque()
        self._holding = False
        self._turn: int | None = None
        self._turns = 0
        self._impatience: Timer | None = None

    def hold_keys(self) -> None:
        """Keep what is typed from now on for a screen that is still to come; only leaving is not held back."""
        self._holding = True

    def give_held_keys(self) -> None:
        """Give what was typed meanwhile to the screen that is there now."""
        self._holding = False
        if self._turn is None:
            self._settle(self._begin_turn(), None)

    async def on_event(self, event: events.Event) -> None:
        """Take keys one after the other, everything else at once."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded or self._leaves(event):
            await super().on_event(event)
        elif self._holding or self._turn is not None:
            self._held.append(event)
        else:
            await self._give(event)

    def _leaves(self, event: events.Key | events.Paste) -> bool:
        """Whether this must not wait for a screen that may never come."""
        return self._holding and isinstance(event, events.Key) and event.key == LEAVING_KEY

    def _begin_turn(self) -> int:
        self._turns += 1
        number = self._turn = self._turns
        self._impatience = self.set_timer(PATIENCE_SECONDS, lambda: self._end_turn(number))
        return number

    async def _give(self, event: events.Key | events.Paste) -> None:
        """Let Textual hand a key on, and follow it through every queue that it goes through."""
        number, screen = self._begin_turn(), self.screen
        way: list[MessagePump] = [*(self.focused or screen).ancestors_with_self]
        try:
            await super().on_event(event)
        finally:
            self._follow(number, screen, way * PASSES if event.is_forwarded else [])

    def _follow(self, number: int, screen: Screen[object], way: list[MessagePump]) -> None:
        """Go one queue further behind the key; queues that were closed meanwhile are passed over."""
        for at, node in enumerate(way, 1):
            if node.call_later(self._follow, number, screen, way[at:]):
                return
        self._settle(number, screen)

    def _settle(self, number: int, screen: Screen[object] | None) -> None:
        """The key has done what it does; if it opened a screen, that one is waited for until its focus is set."""
        present = self.screen
        if present is screen or not present.call_later(self.call_later, self._settle, number, present):
            self.call_later(self._end_turn, number)

    async def _end_turn(self, number: int) -> None:
        """Go on with the next key, unless this one was given up before."""
        if number != self._turn:
            return
        self._turn = None
        if self._impatience is not None:
            self._impatience.stop()
        if self._held and not self._holding:
            await self._give(self._held.popleft())
