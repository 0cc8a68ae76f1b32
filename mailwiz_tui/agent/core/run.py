"""Run mode: carries out a whole blueprint, step by step, and writes the journal."""

from __future__ import annotations

import json
import os
import shutil
import time
import traceback

from ..items import units
from . import leftovers, lockout, policy, steps
from .context import Context, Raw
from .fault import AgentFault
from .host import Host
from .journal import Journal
from .lock import RunLock

KEEP_RUNS = 20
STOP = "stop"
"""The file in a run's folder that asks it to end before the next step."""


def run(host: Host, run_id: str) -> int:
    """Carries out ``runs/<run_id>/blueprint.json``; 0 if everything is as planned afterwards."""
    folder = host.state("runs", run_id)
    with open(os.path.join(folder, "blueprint.json"), encoding="utf-8") as handle:
        blueprint = json.load(handle)
    with open(os.path.join(folder, "options.json"), encoding="utf-8") as handle:
        options = json.load(handle)
    journal = Journal(os.path.join(folder, "journal.jsonl"))
    try:
        with RunLock(host, run_id, str(options.get("by", "")), str(options.get("controller", ""))):
            return _carry_out(host, run_id, blueprint, options, journal)
    except AgentFault as fault:
        journal.write("end", state="failed", changed=False, step="", **_reason(fault))
        return 1
    except Exception as error:
        for line in traceback.format_exc().splitlines():
            journal.log(line)
        unexpected = AgentFault(f"the agent met an unexpected {type(error).__name__}: {error}", "agent",
                           "the log has the details; running apply again is safe")  # fmt: skip
        journal.write("end", state="failed", changed=False, step=journal.step, **_reason(unexpected))
        return 1
    finally:
        journal.close()


def _carry_out(host: Host, run_id: str, blueprint: Raw, options: Raw, journal: Journal) -> int:
    todo = blueprint["steps"]
    journal.write(
        "run", run=run_id, server=blueprint.get("server_id", ""), by=str(options.get("by", "")),
        steps=[{"id": s["id"], "title": s["title"], "component": s.get("component", ""),
                "optional": bool(s.get("optional"))} for s in todo],
    )  # fmt: skip
    policy.release(host)
    _prune(host, run_id)
    ctx = Context.of(host, blueprint, run_id=run_id, journal=journal)
    steps.prefetch(ctx)
    changed_any, skipped = False, _skipped(todo, options)
    for index, step in enumerate(todo, 1):
        if index > 1 and os.path.exists(host.state("runs", run_id, STOP)):
            _stopped(journal, todo, index, changed_any)
            return 1
        journal.step = step["id"]
        place = {"id": step["id"], "title": step["title"], "index": index, "total": len(todo)}
        if step["id"] in skipped:
            journal.write("step", phase="skipped", detail="left out, as was asked", **place)
            continue
        journal.write("step", phase="running", **place)
        begun = time.monotonic()
        try:
            changed = _one(ctx, step, float(options.get("gate_seconds", lockout.GATE_SECONDS)))
        except AgentFault as fault:
            _failed(ctx, todo, index, place, fault, changed_any)
            return 1
        except OSError as error:
            refused = AgentFault(f"{error.strerror}: {error.filename or ''}", f"step {step['id']}")
            _failed(ctx, todo, index, place, refused, changed_any)
            return 1
        changed_any = changed_any or changed
        seconds = round(time.monotonic() - begun, 2)
        journal.write("step", phase="changed" if changed else "ok", seconds=seconds, **place)
    if crashed := units.settle(ctx):
        step_id, crash = crashed
        index = next((i for i, s in enumerate(todo, 1) if s["id"] == step_id), len(todo))
        step = todo[index - 1]
        place = {"id": step["id"], "title": step["title"], "index": index, "total": len(todo)}
        _failed(ctx, todo[:index], index, place, crash, changed_any)
        return 1
    leftovers.forget(ctx)
    ctx.state.record("installed_digest", "", steps.blueprint_digest(blueprint))
    journal.write("end", state="done", changed=changed_any, step="", what="", where="", advice="", skipped=skipped)
    return 0


def _skipped(todo: list[Raw], options: Raw) -> list[str]:
    """The steps that the operator wants left out, as far as the blueprint allows it."""
    asked = options.get("skip", ())
    return [step["id"] for step in todo if step["id"] in asked and step.get("optional")]


def _one(ctx: Context, step: Raw, gate_seconds: float) -> bool:
    if not step.get("lockout"):
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


def _stopped(journal: Journal, todo: list[Raw], index: int, changed: bool) -> None:
    for later, step in enumerate(todo[index - 1 :], index):
        journal.write("step", phase="not-reached", id=step["id"], title=step["title"], index=later,
                      total=len(todo), detail="the installation was stopped")  # fmt: skip
    before = todo[index - 2]["title"]
    journal.write("end", state="failed", changed=changed, step="", what=f"stopped after “{before}”, as was asked",
                  where="", advice="installing again goes on from there")  # fmt: skip


def _failed(ctx: Context, todo: list[Raw], index: int, place: Raw, fault: AgentFault, changed: bool) -> None:
    assert ctx.journal is not None
    reason = {key: ctx.secrets.masked(value) for key, value in _reason(fault).items()}
    ctx.journal.write("step", phase="failed", detail=reason["what"], **place)
    for later, step in enumerate(todo[index:], index + 1):
        ctx.journal.write("step", phase="not-reached", id=step["id"], title=step["title"], index=later,
                          total=place["total"], detail=f"“{place['title']}” failed")  # fmt: skip
    ctx.journal.write("end", state="failed", changed=changed, step=place["id"], **reason)


def _reason(fault: AgentFault) -> dict[str, str]:
    return fault.as_dict()


def _prune(host: Host, current: str) -> None:
    runs = sorted(name for name in os.listdir(host.state("runs")) if name != current)
    for name in runs[: -(KEEP_RUNS - 1)]:
        shutil.rmtree(host.state("runs", name), ignore_errors=True)
