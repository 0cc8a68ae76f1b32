"""Gives a key to the widget that has the focus once the keys before it have done what they do.

Textual hands a key to the widget with the focus at the moment the key arrives, and the key then climbs from queue
to queue to the binding that moves the focus or opens a screen. Keys that come together, as over a slow line or on
a busy machine, would all meet the first of those widgets: what was typed for the next field would end up in this.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from textual import events
from textual.app import App
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.timer import Timer

PATIENCE_SECONDS = 1.0
"""How often it is looked whether a key gets on; one that did not twice running waits for a handler that is stuck.

Once would not do: on a machine that stands still the time to look has come before anything else had its turn.
"""

MOST_PASSES = 4
"""How often the way of a key is gone: by the key, then by what it made widgets send, as a press or a choice."""

LEAVING_KEY = "ctrl+q"

Typed = events.Key | events.Paste


@dataclass
class _Turn:
    """A key on its way: the screen that it was typed at, and the queues from the focus up to the application."""

    screen: Screen[object] | None = None
    way: Sequence[MessagePump] = ()
    passes: int = 0
    steps: int = 0


class KeyOrder(App[int]):
    """An application that holds keys and pasted text back while the key before them is on its way."""

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._held: deque[Typed] = deque()
        self._holding = False
        self._turn: _Turn | None = None
        self._impatience: Timer | None = None

    def hold_keys(self) -> None:
        """Keep what is typed from now on for a screen that is still to come; only leaving is not held back."""
        self._holding = True

    def give_held_keys(self) -> None:
        """Give what was typed meanwhile to the screen that is there now."""
        self._holding = False
        if self._turn is None:
            self._settle_key(self._begin_turn(_Turn()))

    async def on_event(self, event: events.Event) -> None:
        """Take keys one after the other, everything else at once."""
        if not isinstance(event, Typed) or event.is_forwarded or self._leaves(event):
            await super().on_event(event)
        elif self._holding or self._turn is not None:
            self._held.append(event)
        else:
            await self._give(event)

    def _leaves(self, event: Typed) -> bool:
        """Whether this must not wait for a screen that may never come."""
        return self._holding and isinstance(event, events.Key) and event.key == LEAVING_KEY

    async def _give(self, event: Typed) -> None:
        """Let Textual hand a key on, and follow it through every queue that it goes through."""
        screen = self.screen
        turn = self._begin_turn(_Turn(screen, [*(self.focused or screen).ancestors_with_self], MOST_PASSES))
        try:
            await super().on_event(event)
        finally:
            if not event.is_forwarded:
                turn.way = ()
            self._follow_key(turn)

    def _begin_turn(self, turn: _Turn) -> _Turn:
        self._turn = turn
        self._watch_turn(turn, turn.steps, late=False)
        return turn

    def _watch_turn(self, turn: _Turn, steps: int, *, late: bool) -> None:
        """Look after a while whether a key got on; ``late`` if it had not the last time."""

        async def look() -> None:
            stuck = turn.steps == steps
            if turn is self._turn and stuck and late:
                await self._end_turn(turn)
            elif turn is self._turn:
                self._watch_turn(turn, turn.steps, late=stuck)

        self._impatience = self.set_timer(PATIENCE_SECONDS, look)

    def _follow_key(self, turn: _Turn, at: int = 0) -> None:
        """Go one queue further behind the key; queues that were closed meanwhile are passed over."""
        turn.steps += 1
        for position, node in enumerate(turn.way[at:], at + 1):
            if node.call_later(self._follow_key, turn, position):
                return
        turn.passes -= 1
        if turn.passes > 0 and any(node.message_queue_size for node in turn.way if node is not self):
            self._follow_key(turn)
        else:
            self._settle_key(turn)

    def _settle_key(self, turn: _Turn) -> None:
        """The key has done what it does; if it opened a screen, that one is waited for until its focus is set."""
        if self._exit or not self.is_running:
            return
        turn.steps += 1
        former, turn.screen = turn.screen, self.screen
        if turn.screen is former or not turn.screen.call_later(self.call_later, self._settle_key, turn):
            self.call_later(self._end_turn, turn)

    async def _end_turn(self, turn: _Turn) -> None:
        """Go on with the next key, unless this one was given up before."""
        if turn is not self._turn:
            return
        self._turn = None
        if self._impatience is not None:
            self._impatience.stop()
        if self._held and not self._holding:
            await self._give(self._held.popleft())
