"""Makes sure that one-shot timers fire on a busy machine.

Textual skips the ticks of a timer that are late, so a timer with a single tick may never fire. The application
would wait forever for the timer of a few milliseconds that passes a new window size to the screens.
"""

from __future__ import annotations

from textual.message_pump import MessagePump
from textual.timer import Timer, TimerCallback


class LateTimers(MessagePump):
    """A mixin for applications and screens whose ``set_timer`` calls back late rather than never."""

    def set_timer(
        self, delay: float, callback: TimerCallback | None = None, *, name: str | None = None, pause: bool = False
    ) -> Timer:
        timer = super().set_timer(delay, callback, name=name, pause=pause)
        timer._skip = False
        return timer
