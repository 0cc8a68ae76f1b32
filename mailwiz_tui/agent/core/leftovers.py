"""What an earlier plan installed and this one does not need: units are disabled, files removed; data stays.

The agent remembers what it wrote and started (``state.py``); what of that the blueprint at hand does not name is
left over. A file that a unit still wanted has read goes in the step of that unit, which is restarted without it;
everything else goes at the end, when what takes its place works.
"""

from __future__ import annotations

from ..items import managed, units
from ..protocol.blueprint import Absent, Command, Step, Unit
from ..protocol.runs import Change
from . import files
from .context import Context

_ORDER = (".timer", ".socket", ".path", ".service", ".mount")
"""The order of stopping: units that start others first, units that others depend on last."""


LOGIN_UNIT = "ssh.service"
"""Units for the operator's login are never stopped."""


def of_step(ctx: Context, step: Step) -> list[Absent]:
    """Files left over that units of this step have read, as items that must be absent."""
    read = {path for item in step.items if isinstance(item, Unit) for path in ctx.state.unit(item.name) or {}}
    return [Absent(path) for path in _files(ctx) if path in read]


def status(ctx: Context) -> Change | None:
    """What is still there of the rest."""
    names = [*_units(ctx), *_rest(ctx)]
    if not names:
        return None
    return Change("leftovers", "earlier choices", "stop and remove", tuple(f"-{name}" for name in names),
                  "files are kept in the backup; data stays")  # fmt: skip


def apply(ctx: Context) -> None:
    """Stops and disables units, then removes files, after keeping them."""
    for name in _units(ctx):
        off = Unit(name, running=False, enabled=False)
        if todo := units.status(ctx, off, fresh=True):
            units.apply(ctx, off, todo)
        ctx.host.run(["systemctl", "reset-failed", "--", name], timeout=30)
    gone = _rest(ctx)
    for path in gone:
        ctx.log(f"remove file {path}")
        managed.absent_apply(ctx, Absent(path))
    if any(path.startswith("/etc/systemd/system/") for path in gone):
        ctx.host.run(["systemctl", "daemon-reload"], timeout=60)
    if any(path.startswith("/etc/ssh/") for path in gone):
        ctx.host.run(["systemctl", "try-reload-or-restart", LOGIN_UNIT], timeout=60)
    ctx.units.clear()


def forget(ctx: Context) -> None:
    """Once all is carried out: what is not wanted any more is begun anew, should it ever be wanted again."""
    items = [item for step in ctx.blueprint.steps for item in step.items]
    ctx.state.keep_only(
        files=set(ctx.wanted),
        units={item.name for item in items if isinstance(item, Unit)},
        commands={item.id for item in items if isinstance(item, Command)},
        validated={step.id for step in ctx.blueprint.steps},
    )


def _files(ctx: Context) -> list[str]:
    return [p for p in ctx.state.names("files") if p not in ctx.wanted and files.look(ctx.host, p)]


def _rest(ctx: Context) -> list[str]:
    early = {item.path for step in ctx.blueprint.steps for item in of_step(ctx, step)}
    return [path for path in _files(ctx) if path not in early]


def _units(ctx: Context) -> list[str]:
    """Units left over that run or start by themselves."""
    wanted = {i.name for s in ctx.blueprint.steps for i in s.items if isinstance(i, Unit)}
    names = [name for name in ctx.state.names("units") if name not in wanted and name != LOGIN_UNIT]
    units.query(ctx, [name for name in names if name not in ctx.units])
    left = [name for name in names if units.on(ctx.units.get(name, {}))]
    return sorted(left, key=lambda n: next((i for i, end in enumerate(_ORDER) if n.endswith(end)), len(_ORDER)))
