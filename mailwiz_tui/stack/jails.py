"""Sections of fail2ban's configuration (jail.conf(5)) for components."""

from __future__ import annotations


def jail(
    name: str,
    ports: str,
    *,
    maxretry: int,
    filter_name: str,
    mode: str = "",
    findtime: str = "10m",
    allports: bool = False,
) -> str:
    """A jail that reads the journal and bans for 15 min, twice as long each further time, at most a week.

    ``ports`` are numbers separated by commas. Debian writes no log files any more, so each jail
    reads the journal (``backend = systemd``); the filter selects the daemon's lines. An IPv6 client is counted
    and banned by its /64 (``fail2ban/networks.py``).
    """
    lines = [
        f"[{name}]",
        "enabled = true",
        "backend = systemd",
        f"filter = {filter_name}[mode={mode}]" if mode else f"filter = {filter_name}",
        f"port = {ports}",
        f"maxretry = {maxretry}",
        f"findtime = {findtime}",
        "bantime = 15m",
        "bantime.increment = true",
        "bantime.factor = 2",
        "bantime.maxtime = 1w",
        "ignoreip = 127.0.0.0/8 ::1",
        f"banaction = mailwiz-nftables[type={'allports' if allports else 'multiport'}]",
        "action = mailwiz-networks.py",
        "         %(action_)s",
    ]
    return "\n".join(lines) + "\n"
