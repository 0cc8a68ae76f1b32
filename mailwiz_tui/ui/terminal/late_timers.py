"""Makes a timer that fires once fire for certain, also where the machine is busy.

Textual leaves out the ticks of a timer that it is too late for; a timer with one tick only is then lost. The
application would wait for ever for the one that tells screens a new window size, a few milliseconds long.
"""

from __future__ import annotations

from textual.message_pump import MessagePump
from textual.timer import Timer, TimerCallback


class LateTimers(MessagePump):
    """A part of applications and screens whose ``set_timer`` calls back late rather than never."""

    def set_timer(
        self, delay: float, callback: TimerCallback | None = None, *, name: str | None = None, pause: bool = False
    ) -> Timer:
        timer = super().set_timer(delay, callback, name=name, pause=pause)
        timer._skip = False
        return timer
