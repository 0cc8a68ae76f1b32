"""Run mode: carries out a whole blueprint, step by step, and writes the journal."""

from __future__ import annotations

import dataclasses
import json
import os
import shutil
import time
import traceback
from collections.abc import Sequence
from typing import TypeVar, cast

from ..items import units
from ..protocol.blueprint import AgentBlueprint, Step
from ..protocol.codec import from_json
from ..protocol.journal import EndEvent, RunBegan, RunStep, StepEvent
from ..protocol.runs import RunOptions
from . import leftovers, lockout, policy, steps
from .context import Context
from .fault import AgentFault
from .host import Host
from .journal import Journal
from .lock import RunLock

T = TypeVar("T")
KEEP_RUNS = 20
STOP = "stop"
"""The file in a run's folder that asks it to end before the next step."""


def run(host: Host, run_id: str) -> int:
    """Carries out ``runs/<run_id>/blueprint.json``; 0 if everything is as planned afterwards."""
    folder = host.state("runs", run_id)
    blueprint = _read(AgentBlueprint, os.path.join(folder, "blueprint.json"))
    options = _read(RunOptions, os.path.join(folder, "options.json"))
    journal = Journal(os.path.join(folder, "journal.jsonl"))
    try:
        with RunLock(host, run_id, options.by, options.controller):
            return _carry_out(host, run_id, blueprint, options, journal)
    except AgentFault as fault:
        journal.write(EndEvent("failed", what=fault.what, where=fault.where, advice=fault.advice))
        return 1
    except Exception as error:
        for line in traceback.format_exc().splitlines():
            journal.log(line)
        what = f"unexpected error in the agent: {type(error).__name__}: {error}"
        advice = "the log has the details; running apply again is safe"
        journal.write(EndEvent("failed", step=journal.step, what=what, where="agent", advice=advice))
        return 1
    finally:
        journal.close()


def _read(kind: type[T], path: str) -> T:
    with open(path, encoding="utf-8") as handle:
        return cast("T", from_json(kind, json.load(handle)))


def _carry_out(host: Host, run_id: str, blueprint: AgentBlueprint, options: RunOptions, journal: Journal) -> int:
    todo = blueprint.steps
    announced = tuple(RunStep(s.id, s.title, s.component, s.optional) for s in todo)
    journal.write(RunBegan(run_id, blueprint.server_id, options.by, announced))
    policy.release(host)
    _prune(host, run_id)
    ctx = Context.of(host, blueprint, run_id=run_id, journal=journal)
    steps.prefetch(ctx)
    changed_any, skipped = False, _skipped(todo, options)
    for index, step in enumerate(todo, 1):
        if index > 1 and os.path.exists(host.state("runs", run_id, STOP)):
            _stopped(journal, todo, index, changed_any)
            return 1
        journal.step = step.id
        place = _place(todo, index)
        if step.id in skipped:
            journal.write(dataclasses.replace(place, phase="skipped", detail="skipped, as requested"))
            continue
        journal.write(dataclasses.replace(place, phase="running"))
        begun = time.monotonic()
        try:
            changed = _one(ctx, step, options.gate_seconds)
        except AgentFault as fault:
            _failed(ctx, todo, index, place, fault, changed_any)
            return 1
        except OSError as error:
            refused = AgentFault(f"{error.strerror}: {error.filename or ''}", f"step {step.id}")
            _failed(ctx, todo, index, place, refused, changed_any)
            return 1
        changed_any = changed_any or changed
        seconds = round(time.monotonic() - begun, 2)
        journal.write(dataclasses.replace(place, phase="changed" if changed else "ok", seconds=seconds))
    if crashed := units.settle(ctx, options.settle_seconds):
        step_id, crash = crashed
        index = next((i for i, s in enumerate(todo, 1) if s.id == step_id), len(todo))
        _failed(ctx, todo[:index], index, _place(todo, index), crash, changed_any)
        return 1
    leftovers.forget(ctx)
    ctx.state.record_installed(steps.blueprint_digest(blueprint))
    journal.write(EndEvent("done", changed_any, skipped=tuple(skipped)))
    return 0


def _place(todo: Sequence[Step], index: int) -> StepEvent:
    """The step at an index, counted from 1, among all."""
    step = todo[index - 1]
    return StepEvent(id=step.id, title=step.title, index=index, total=len(todo))


def _skipped(todo: Sequence[Step], options: RunOptions) -> list[str]:
    """The steps that the operator wants left out, as far as the blueprint allows it."""
    return [step.id for step in todo if step.id in options.skip and step.optional]


def _one(ctx: Context, step: Step, gate_seconds: float) -> bool:
    if not step.lockout:
        return steps.carry_out(ctx, step)
    try:
        changed = steps.carry_out(ctx, step, lambda: lockout.arm(ctx, step, gate_seconds))
    except AgentFault:
        lockout.give_up(ctx, step)
        raise
    if changed:
        lockout.wait_for_confirmation(ctx, step, gate_seconds)
    return changed


def stop_after_step(host: Host, run_id: str) -> bool:
    """Asks a run to end when its present step is done; False where there is no such run."""
    folder = host.state("runs", run_id)
    if not run_id or "/" in run_id or not os.path.isdir(folder):
        return False
    with open(os.path.join(folder, STOP), "w", encoding="utf-8"):
        return True


def _stopped(journal: Journal, todo: Sequence[Step], index: int, changed: bool) -> None:
    for later in range(index, len(todo) + 1):
        detail = "the installation was stopped"
        journal.write(dataclasses.replace(_place(todo, later), phase="not-reached", detail=detail))
    what = f"stopped after “{todo[index - 2].title}”, as was asked"
    journal.write(EndEvent("failed", changed, what=what, advice="run apply again: it continues from there"))


def _failed(
    ctx: Context, todo: Sequence[Step], index: int, place: StepEvent, fault: AgentFault, changed: bool
) -> None:
    assert ctx.journal is not None
    what, where, advice = (ctx.secrets.masked(text) for text in (fault.what, fault.where, fault.advice))
    ctx.journal.write(dataclasses.replace(place, phase="failed", detail=what))
    for later in range(index + 1, len(todo) + 1):
        missed = dataclasses.replace(_place(todo, later), phase="not-reached", detail=f"“{place.title}” failed")
        ctx.journal.write(missed)
    ctx.journal.write(EndEvent("failed", changed, place.id, what, where, advice))


def _prune(host: Host, current: str) -> None:
    runs = sorted(name for name in os.listdir(host.state("runs")) if name != current)
    for name in runs[: -(KEEP_RUNS - 1)]:
        shutil.rmtree(host.state("runs", name), ignore_errors=True)
