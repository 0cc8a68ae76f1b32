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


class KeysInTurn(App[int]):
    """An application that holds keys and pasted text back while the key before them is on its way."""

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._held: deque[events.Key | events.Paste] = deque()
        self._under_way: int | None = None
        self._keys_given = 0
        self._impatience: Timer | None = None

    async def on_event(self, event: events.Event) -> None:
        """Take keys one after the other, everything else at once."""
        if not isinstance(event, events.Key | events.Paste) or event.is_forwarded:
            await super().on_event(event)
        elif self._under_way is not None:
            self._held.append(event)
        else:
            await self._give(event)

    async def _give(self, event: events.Key | events.Paste) -> None:
        """Let Textual hand a key on, and follow it through every queue that it goes through."""
        self._keys_given += 1
        number = self._under_way = self._keys_given
        self._impatience = self.set_timer(PATIENCE_SECONDS, lambda: self._done(number))
        screen = self.screen
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

    def _settle(self, number: int, screen: Screen[object]) -> None:
        """The key has done what it does; if it opened a screen, that one is waited for until its focus is set."""
        present = self.screen
        if present is screen or not present.call_later(self.call_later, self._settle, number, present):
            self.call_later(self._done, number)

    async def _done(self, number: int) -> None:
        """Go on with the next key, unless this one was given up before."""
        if number != self._under_way:
            return
        self._under_way = None
        if self._impatience is not None:
            self._impatience.stop()
        if self._held:
            await self._give(self._held.popleft())
