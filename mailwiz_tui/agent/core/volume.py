"""Steps whose data is on a volume that moves between servers: only the server that has it carries out all of it.

Elsewhere packages and files are made, so that the server can take over; commands and questions wait for the volume,
and what starts the units there is the cluster's resource manager, never systemd at boot.
"""

from __future__ import annotations

from dataclasses import replace

from ..items import units
from ..protocol.blueprint import Absent, Command, Directory, File, Item, Packages, Ready, Step, Unit, User
from .context import Context

_ANYWHERE = (Packages, User, Directory, File, Absent)


def mounted(ctx: Context, path: str) -> bool:
    """Whether a volume is mounted on this server now."""
    return ctx.host.run(["mountpoint", "-q", path], timeout=15).ok


def items_here(ctx: Context, step: Step) -> tuple[Item, ...]:
    """The items of a step that this server carries out now, its units never enabled."""
    if not step.volume:
        return tuple(item for item in step.items if not _elsewhere(ctx, item))
    here = mounted(ctx, step.volume)
    found: list[Item] = []
    for item in step.items:
        if isinstance(item, Unit):
            item = replace(item, enabled=False)
            found.append(item if here else _left_alone(ctx, item))
        elif here or isinstance(item, _ANYWHERE) or (isinstance(item, Command) and item.anywhere):
            found.append(item)
    return tuple(found)


def remember(ctx: Context, step: Step) -> None:
    """Stores what the stopped units will read when they are started, so that no later run restarts them for it."""
    if step.volume and not mounted(ctx, step.volume):
        for item in step.items:
            if isinstance(item, Unit) and item.running:
                units.remember(ctx, item)


def _elsewhere(ctx: Context, item: Item) -> bool:
    """Whether a question is for the server that has the volume, and this one has not."""
    return isinstance(item, Ready) and bool(item.volume) and not mounted(ctx, item.volume)


def _left_alone(ctx: Context, item: Unit) -> Unit:
    """The unit as it is: only its start at boot is switched off."""
    now = units.properties(ctx, item.name)
    running = now.get("ActiveState") in ("active", "activating", "reloading")
    return replace(item, running=running, restart_on=(), reload_on=())
