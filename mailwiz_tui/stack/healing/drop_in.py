"""The drop-in that restarts a service after a crash, added to every daemon that a step starts.

Each running ``.service`` unit of a step gets the drop-in, unless it is a oneshot; a component need not ask for it.
Settings in the unit's own file are not repeated.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mailwiz_tui.stack.blueprint import File, Item, Step, Unit
from mailwiz_tui.stack.render import render

UNITS = "/etc/systemd/system"
START_LIMIT = ("StartLimitIntervalSec=15min", "StartLimitBurst=120")
"""A service that cannot start is tried for some minutes, because a shortage may be temporary; then systemd gives
up, and the monitor reports it."""
PAUSE = "RestartSec=1s"
OUT_OF_MEMORY = "OOMPolicy=continue"
"""If the kernel kills one process of several, the service's own supervisor restarts it; systemd's default stops all
of them. A killed main process counts as a failure in both cases."""


def drop_in_path(unit: str) -> str:
    """The path of the drop-in of a unit."""
    return f"{UNITS}/{unit}.d/mailwiz-restart.conf"


def heals(unit: Unit, own: str = "") -> bool:
    """Whether a unit is a daemon that shall run; ``own`` is its file, if it is in the step."""
    ends = unit.oneshot or re.search(r"(?m)^Type=oneshot", own)
    return unit.name.endswith(".service") and unit.running and not unit.masked and not ends


def with_restarts(steps: tuple[Step, ...]) -> tuple[Step, ...]:
    """The steps, with a drop-in for each daemon in the step that starts it."""
    done: set[str] = set()
    return tuple(_healed(step, done) for step in steps)


def _healed(step: Step, done: set[str]) -> Step:
    items: list[Item] = []
    for item in step.items:
        own = _own_file(step, item) if isinstance(item, Unit) else ""
        if isinstance(item, Unit) and heals(item, own) and item.name not in done:
            done.add(item.name)
            path = drop_in_path(item.name)
            items.append(File(path, _text(item, own)))
            if item.service_settings:
                item = replace(item, restart_on=(*item.restart_on, path))
        items.append(item)
    return replace(step, items=tuple(items))


def _own_file(step: Step, unit: Unit) -> str:
    """The unit's file if it is in the step, and not from a package."""
    path = f"{UNITS}/{unit.name}"
    return next((item.content for item in step.items if isinstance(item, File) and item.path == path), "")


def _text(unit: Unit, own: str) -> str:
    order = (f"Wants={' '.join(unit.after)}", f"After={' '.join(unit.after)}") if unit.after else ()
    service = (f"Restart={unit.restart}", PAUSE, OUT_OF_MEMORY)
    return render(
        "healing",
        "restart.conf",
        unit=unit.name,
        unit_settings="".join(f"{line}\n" for line in (*order, *_unset(START_LIMIT, own))),
        service_settings="\n".join((*_unset(service, own), *unit.service_settings)),
    )


def _unset(settings: tuple[str, ...], own: str) -> tuple[str, ...]:
    """The settings that the unit's own file does not set."""
    return tuple(line for line in settings if not re.search(rf"(?m)^{line.partition('=')[0]}=", own))
