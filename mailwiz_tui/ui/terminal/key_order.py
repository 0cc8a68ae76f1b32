"""Delivers each key only after the keys before it were fully processed.

Textual delivers a key to the widget that has the focus when the key arrives; the key then passes through message
queues to the binding that moves the focus or opens a screen. Keys that arrive together, over a slow line or on a
busy machine, would all be delivered to the first widget: text for the next field would be typed into this one.
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
"""Seconds between two checks of a key's progress; without progress at two checks its handler is taken as stuck.

One check is not enough: after a machine was suspended, the timer may fire before anything else was processed.
"""

MOST_PASSES = 4
"""How often a key's queues are passed: for the key, then for the messages it caused, such as a button press."""

LEAVING_KEY = "ctrl+q"

Typed = events.Key | events.Paste


@dataclass
class _Turn:
    """A key in progress: its screen, and the queues from the focused widget up to the application."""

    screen: Screen[object] | None = None
    queues: Sequence[MessagePump] = ()
    passes: int = 0
    steps: int = 0


class KeyOrder(App[int]):
    """An application that queues keys and pasted text while the previous key is in progress."""

    def __init__(self, *, ansi_color: bool | None = None) -> None:
        super().__init__(ansi_color=ansi_color)
        self._held: deque[Typed] = deque()
        self._holding = False
        self._turn: _Turn | None = None
        self._impatience: Timer | None = None

    def hold_keys(self) -> None:
        """Queue all keys from now on for a screen that is being opened, except the key that quits."""
        self._holding = True

    def give_held_keys(self) -> None:
        """Deliver the queued keys to the present screen."""
        self._holding = False
        if self._turn is None:
            self._settle_key(self._begin_turn(_Turn()))

    async def on_event(self, event: events.Event) -> None:
        """Process keys one after the other, all other events at once."""
        if not isinstance(event, Typed) or event.is_forwarded or self._leaves(event):
            await super().on_event(event)
        elif self._holding or self._turn is not None:
            self._held.append(event)
        else:
            await self._give(event)

    def _leaves(self, event: Typed) -> bool:
        """Whether this is the key that quits, which must not wait for a screen that may never open."""
        return self._holding and isinstance(event, events.Key) and event.key == LEAVING_KEY

    async def _give(self, event: Typed) -> None:
        """Let Textual deliver a key, and follow it through its queues."""
        screen = self.screen
        turn = self._begin_turn(_Turn(screen, [*(self.focused or screen).ancestors_with_self], MOST_PASSES))
        try:
            await super().on_event(event)
        finally:
            if not event.is_forwarded:
                turn.queues = ()
            self._follow_key(turn)

    def _begin_turn(self, turn: _Turn) -> _Turn:
        self._turn = turn
        self._watch_turn(turn, turn.steps, late=False)
        return turn

    def _watch_turn(self, turn: _Turn, steps: int, *, late: bool) -> None:
        """Check a key's progress after a while; ``late``: it had none at the last check."""

        async def look() -> None:
            stuck = turn.steps == steps
            if turn is self._turn and stuck and late:
                await self._end_turn(turn)
            elif turn is self._turn:
                self._watch_turn(turn, turn.steps, late=stuck)

        self._impatience = self.set_timer(PATIENCE_SECONDS, look)

    def _follow_key(self, turn: _Turn, at: int = 0) -> None:
        """Go one queue further behind the key; closed queues are skipped."""
        turn.steps += 1
        for position, node in enumerate(turn.queues[at:], at + 1):
            if node.call_later(self._follow_key, turn, position):
                return
        turn.passes -= 1
        if turn.passes > 0 and any(node.message_queue_size for node in turn.queues if node is not self):
            self._follow_key(turn)
        else:
            self._settle_key(turn)

    def _settle_key(self, turn: _Turn) -> None:
        """The key was processed; if it opened a screen, wait until that screen's focus is set."""
        if self._exit or not self.is_running:
            return
        turn.steps += 1
        previous, turn.screen = turn.screen, self.screen
        if turn.screen is previous or not turn.screen.call_later(self.call_later, self._settle_key, turn):
            self.call_later(self._end_turn, turn)

    async def _end_turn(self, turn: _Turn) -> None:
        """Process the next key, unless this one was already abandoned."""
        if turn is not self._turn:
            return
        self._turn = None
        if self._impatience is not None:
            self._impatience.stop()
        if self._held and not self._holding:
            await self._give(self._held.popleft())
