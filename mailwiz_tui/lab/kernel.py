"""The settings of the machine's kernel that a lab changes, and how they are restored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from . import machine

INOTIFY = Path("/proc/sys/fs/inotify/max_user_instances")
"""All hosts share root's limit, and each systemd needs about ten of the usual 128."""
INOTIFY_NEEDED = 4096


def forwarding(device: str) -> Path:
    """Return the setting that forwards IPv4 packets of a network device."""
    return Path("/proc/sys/net/ipv4/conf") / device / "forwarding"


def turn(switch: Path, value: str, enough: Callable[[str], bool] | None = None) -> None:
    """Change a setting unless it is right (or ``enough``) already, and store its value before any lab."""
    present = switch.read_text().strip()
    if present == value or (enough is not None and enough(present)):
        return
    former = _former()
    former.setdefault(str(switch), present)
    machine.write(_record(), json.dumps({"boot": machine.boot_id(), "former": former}))
    switch.write_text(value)


def allow_many_hosts() -> None:
    """Give root enough inotify instances for a machine full of hosts."""
    turn(INOTIFY, str(INOTIFY_NEEDED), lambda present: int(present) >= INOTIFY_NEEDED)


def restore() -> None:
    """Restore every setting that still exists to its value before the first lab."""
    for name, value in _former().items():
        if Path(name).exists():
            Path(name).write_text(value)
    _record().unlink(missing_ok=True)


def _record() -> Path:
    return machine.RUN / "kernel.json"


def _former() -> dict[str, str]:
    record = machine.read_json(_record())
    return dict(record["former"]) if record.get("boot") == machine.boot_id() else {}
