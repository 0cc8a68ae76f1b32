"""The hours in which a server renews: if several have the same names, no two of them renew at the same time."""

from __future__ import annotations

from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import render

TIMER = "/etc/systemd/system/certbot.timer.d/mailwiz.conf"
_HALF_DAY = 12 * 60
"""Minutes: certbot's timer runs twice a day."""


def place(context: Context) -> tuple[int, int]:
    """The number of this server among those with its names, and how many there are: ``(0, 1)`` with one."""
    if not context.topology.serves_clients:
        return 0, 1
    ids = [front.id for front in context.topology.fronts]
    return ids.index(context.server_id), len(ids)


def calendar(context: Context) -> str:
    """The two times of day in the notation of systemd.time(7); empty if no other server has the names."""
    number, count = place(context)
    if count < 2:
        return ""
    hour, minute = divmod(number * _HALF_DAY // count, 60)
    return f"*-*-* {hour:02},{hour + 12:02}:{minute:02}:00 UTC"


def drop_in(context: Context) -> str:
    """The timer's times; half of each interval is for its random delay, the other half for the renewal."""
    _, count = place(context)
    return render("certbot", "timer.conf", calendar=calendar(context), minutes=_HALF_DAY // count // 2)
