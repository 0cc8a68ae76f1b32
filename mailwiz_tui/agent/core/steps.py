"""Compares and applies the steps of a blueprint: status, apply, status again."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from ..items import answers, commands, managed, packages, units, users, waits
from ..protocol.blueprint import (
    Absent,
    AgentBlueprint,
    Command,
    Directory,
    File,
    Item,
    Leftovers,
    Packages,
    Ready,
    Step,
    Unit,
    User,
    Wait,
)
from ..protocol.clean import error_lines
from ..protocol.codec import to_json
from ..protocol.runs import Change, StepDiff
from . import files, leftovers, volume
from .context import Context
from .fault import AgentFault

UNIT_FILES = "/etc/systemd/system/"
"""What is written there counts from the next daemon-reload on, which systemd does not always say it needs."""
FILE_ITEMS = (Packages, User, Directory, File, Absent)
"""What comes first in a step, before its validators."""


def blueprint_digest(blueprint: AgentBlueprint) -> str:
    """What tells one blueprint from another: the digest of its steps and secrets."""
    kept = {"steps": to_json(blueprint.steps), "secrets": to_json(blueprint.secrets)}
    return files.digest(json.dumps(kept, sort_keys=True).encode())


def compare(ctx: Context) -> tuple[StepDiff, ...]:
    """All differences, by step; steps without one are left out. Nothing is changed."""
    prefetch(ctx)
    work = [
        (step, item)
        for step in ctx.blueprint.steps
        for item in (*leftovers.of_step(ctx, step), *volume.items_here(ctx, step))
    ]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda pair: _status(ctx, pair[1]), work))
    by_step: dict[str, list[Change]] = {step.id: [] for step in ctx.blueprint.steps}
    for (step, _), change in zip(work, found, strict=True):
        if change:
            by_step[step.id].append(change)
    for step in ctx.blueprint.steps:
        if not by_step[step.id] and _unvalidated(ctx, step):
            change = Change("validate", step.id, "check", (), "its files were never found valid")
            by_step[step.id].append(change)
    diffs = (StepDiff(s.id, s.title, tuple(by_step[s.id])) for s in ctx.blueprint.steps)
    return tuple(diff for diff in diffs if diff.changes)


def prefetch(ctx: Context) -> None:
    """Asks dpkg and systemd once for everything the blueprint names."""
    ctx.installed = packages.installed(ctx.host)
    ctx.units.clear()
    units.query(ctx, [i.name for s in ctx.blueprint.steps for i in s.items if isinstance(i, Unit)])


def carry_out(ctx: Context, step: Step, before_activation: Callable[[], None] | None = None) -> bool:
    """Applies one step and returns whether anything changed; raises ``AgentFault`` on failure.

    ``before_activation`` is called once, before the first change (a lockout step arms its undo there).
    """
    changed = False

    def touch() -> None:
        nonlocal changed
        if not changed and before_activation:
            before_activation()
        changed = True

    kept: list[tuple[str, files.OnDisk | None]] = []
    items = volume.items_here(ctx, step)
    try:
        for item in (*leftovers.of_step(ctx, step), *items):
            if not isinstance(item, FILE_ITEMS):
                continue
            change = _status(ctx, item)
            if change is None:
                continue
            touch()
            if isinstance(item, (File, Absent)):
                kept.append((item.path, files.look(ctx.host, item.path)))
            if not isinstance(item, Packages):
                ctx.log(f"{change.action} {change.kind} {change.name}")
            _apply(ctx, item, change)
        if _unvalidated(ctx, step):
            touch()
            _validate(ctx, step)
    except AgentFault as fault:
        _put_back(ctx, kept, fault)
        raise
    if any(path.startswith(UNIT_FILES) for path, _ in kept):
        ctx.host.run(["systemctl", "daemon-reload"], timeout=60)
    for item in step.items:
        if isinstance(item, File):
            managed.file_record(ctx, item)
    for item in items:
        if isinstance(item, Ready):
            answers.wait(ctx, item)
        elif isinstance(item, Wait):
            waits.wait(ctx, item)
        elif not isinstance(item, FILE_ITEMS) and (change := _status(ctx, item, fresh=True)):
            touch()
            if isinstance(item, Command):
                ctx.log(f"run {' '.join(item.argv)}")
            _apply(ctx, item, change)
    volume.remember(ctx, step)
    if changed:
        _check_again(ctx, step)
    return changed


def _status(ctx: Context, item: Item, *, fresh: bool = False) -> Change | None:
    """What an item lacks; ``fresh`` asks systemd about a unit once more."""
    match item:
        case Packages():
            return packages.status(ctx, item)
        case User():
            return users.status(ctx, item)
        case Directory():
            return managed.directory_status(ctx, item)
        case File():
            return managed.file_status(ctx, item)
        case Absent():
            return managed.absent_status(ctx, item)
        case Command():
            return commands.status(ctx, item)
        case Unit():
            return units.status(ctx, item, fresh=fresh)
        case Leftovers():
            return leftovers.status(ctx)
        case Ready() | Wait():
            return None


def _apply(ctx: Context, item: Item, change: Change) -> None:
    """Makes a change that ``_status`` found."""
    match item:
        case Packages():
            packages.apply(ctx, item)
        case User():
            users.apply(ctx, item, change)
        case Directory():
            managed.directory_apply(ctx, item, change)
        case File():
            managed.file_apply(ctx, item, change)
        case Absent():
            managed.absent_apply(ctx, item)
        case Command():
            commands.apply(ctx, item)
        case Unit():
            units.apply(ctx, item, change)
        case Leftovers():
            leftovers.apply(ctx)
        case Ready() | Wait():
            pass


def _validate(ctx: Context, step: Step) -> None:
    for argv in step.validators:
        done = ctx.host.run(argv, timeout=120)
        if not done.ok:
            said = ctx.secrets.masked(done.text)
            for line in said.split("\n")[-40:]:
                ctx.log(line)
            raise AgentFault(
                f"{argv[0].rsplit('/', 1)[-1]} does not accept the new configuration: {error_lines(said)}",
                f"step {step.id}", "the previous files were restored; nothing was restarted",
            )  # fmt: skip
    if step.validators:
        ctx.state.record("validated", step.id, _files_digest(ctx, step))


def _unvalidated(ctx: Context, step: Step) -> bool:
    return bool(step.validators) and ctx.state.validated(step.id) != _files_digest(ctx, step)


def _files_digest(ctx: Context, step: Step) -> str:
    paths = [item.path for item in step.items if isinstance(item, (File, Absent))]
    content = [[p, files.tree_digest(ctx.host, p)] for p in paths]
    return files.digest(json.dumps([content, list(step.validators)]).encode())


def _put_back(ctx: Context, kept: list[tuple[str, files.OnDisk | None]], fault: AgentFault) -> None:
    for path, found in reversed(kept):
        try:
            files.restore(ctx.host, path, found)
            ctx.log(f"restored {path}")
        except (AgentFault, OSError) as error:
            ctx.log(f"cannot restore {path}: {error}")
            fault.advice = f"{path} could not be restored; its previous version is in the run's backup folder"


def _check_again(ctx: Context, step: Step) -> None:
    ctx.installed = None
    names = [item.name for item in step.items if isinstance(item, Unit)]
    units.query(ctx, names)
    for item in volume.items_here(ctx, step):
        left = _status(ctx, item)
        if left is None:
            continue
        raise AgentFault(
            f"{left.kind} {left.name} is still not as planned (next action: {left.action})", f"step {step.id}",
            "another program on the server changes this setting; the log shows what was done",
        )  # fmt: skip
