"""systemd units: enabled, running, and restarted or reloaded only if what they read has changed."""

from __future__ import annotations

import time

from ..core.context import Context
from ..core.fault import AgentFault
from ..core.host import require
from ..protocol.blueprint import Unit
from ..protocol.runs import Change

_PROPERTIES = "LoadState,ActiveState,SubState,UnitFileState,NRestarts,Type,RemainAfterExit,Result,NeedDaemonReload"
_START_TIMEOUT = 90.0


def query(ctx: Context, names: list[str]) -> None:
    """Asks systemd about several units at once and keeps the answers in the context."""
    if not names:
        return
    done = ctx.host.run(["systemctl", "show", "-p", _PROPERTIES, "--", *names], timeout=30)
    blocks = done.output.decode("utf-8", "replace").strip().split("\n\n") if done.ok else []
    for name, block in zip(names, blocks, strict=False):
        ctx.units[name] = dict(line.partition("=")[::2] for line in block.splitlines())


def properties(ctx: Context, name: str, *, fresh: bool = False) -> dict[str, str]:
    """The properties of one unit from systemd; empty if systemd does not answer."""
    if fresh or name not in ctx.units:
        ctx.units.pop(name, None)
        query(ctx, [name])
    return ctx.units.get(name, {})


def status(ctx: Context, item: Unit, *, fresh: bool = False) -> Change | None:
    """What has to be done to a unit, most thorough first: mask, unmask, start, restart, reload, enable, …"""
    name = item.name
    now = properties(ctx, name, fresh=fresh)
    enabled = now.get("UnitFileState", "")
    running = now.get("ActiveState") in ("active", "activating", "reloading")
    actions: list[str] = []
    if item.masked:
        if enabled not in ("masked", "masked-runtime") and now.get("LoadState") != "masked":
            actions.append("mask")
        if running:
            actions.insert(0, "stop")
        return Change("unit", name, " and ".join(actions)) if actions else None
    if enabled in ("masked", "masked-runtime"):
        actions.append("unmask")
    if item.enabled and enabled in ("disabled", "", "masked", "masked-runtime", "bad"):
        actions.append("enable")
    if not item.enabled and enabled in ("enabled", "enabled-runtime"):
        actions.append("disable")
    if item.running:
        if reason := _start_reason(ctx, item, now, running):
            actions.append(reason)
    elif running:
        actions.append("stop")
    return Change("unit", name, " and ".join(actions)) if actions else None


def on(now: dict[str, str]) -> bool:
    """Whether a unit runs, or starts by itself at the next boot."""
    running = now.get("ActiveState") in ("active", "activating", "reloading")
    return running or now.get("UnitFileState") in ("enabled", "enabled-runtime")


def apply(ctx: Context, item: Unit, change: Change) -> None:
    """Does what ``status`` found, then waits until the unit runs."""
    name, actions = item.name, change.action.split(" and ")
    where = f"unit {name}"
    if (
        properties(ctx, name).get("NeedDaemonReload") == "yes"
        or properties(ctx, name).get("LoadState") == "not-found"
    ):
        ctx.host.run(["systemctl", "daemon-reload"], timeout=60)
    for action in ("unmask", "disable", "enable", "mask"):
        if action in actions:
            ctx.log(f"systemctl {action} {name}")
            require(ctx.host.run(["systemctl", action, "--", name], timeout=120), f"cannot {action} {name}", where)
    for action in ("stop", "start", "restart", "reload"):
        if action not in actions:
            continue
        ctx.log(f"systemctl {action} {name}")
        done = ctx.host.run(["systemctl", "reload-or-restart" if action == "reload" else action, "--", name],
                            timeout=_START_TIMEOUT)  # fmt: skip
        if not done.ok:
            raise _failure(ctx, name, done.text.split("\n")[0] or f"systemctl {action} failed")
    if item.running and not item.masked:
        _wait(ctx, name)
        ctx.state.record_unit(name, _inputs(ctx, item))
        now = properties(ctx, name)
        step = ctx.journal.step if ctx.journal else ""
        ctx.started[name] = (step, time.monotonic(), int(now.get("NRestarts") or 0))
    else:
        ctx.state.forget("units", name)


def remember(ctx: Context, item: Unit) -> None:
    """Stores what a unit reads when it is started, by somebody else than the agent."""
    recorded = _inputs(ctx, item)
    if ctx.state.unit(item.name) != recorded:
        ctx.state.record_unit(item.name, recorded)


def settle(ctx: Context, seconds: float) -> tuple[str, AgentFault] | None:
    """Whether a unit started in this run crashed within so many seconds; the step it belongs to, and the fault."""
    if not ctx.started:
        return None
    latest = max(at for _, at, _ in ctx.started.values())
    time.sleep(max(0.0, latest + seconds - time.monotonic()))
    ctx.units.clear()
    query(ctx, list(ctx.started))
    for name, (step, _, restarts) in ctx.started.items():
        now = ctx.units.get(name, {})
        if _up(now) and int(now.get("NRestarts") or 0) <= restarts:
            continue
        ctx.state.forget("units", name)
        return step, _failure(ctx, name, f"{name} started and then failed ({now.get('Result', 'unknown')})")
    return None


def _start_reason(ctx: Context, item: Unit, now: dict[str, str], running: bool) -> str:
    recorded = ctx.state.unit(item.name)
    oneshot = now.get("Type") == "oneshot" and now.get("RemainAfterExit") != "yes"
    if not running and not (oneshot and recorded is not None and now.get("Result") == "success"):
        return "start"
    if recorded is None:
        return "restart" if item.restart_on or item.reload_on else ""
    if recorded.keys() - {*item.restart_on, *item.reload_on}:
        return "restart"
    for path in item.restart_on:
        if recorded.get(path) != ctx.content_digest(path):
            return "restart"
    for path in item.reload_on:
        if recorded.get(path) != ctx.content_digest(path):
            return "reload"
    return ""


def _inputs(ctx: Context, item: Unit) -> dict[str, str]:
    return {path: ctx.content_digest(path) for path in (*item.restart_on, *item.reload_on)}


def _up(now: dict[str, str]) -> bool:
    if now.get("Type") == "oneshot" and now.get("RemainAfterExit") != "yes":
        return now.get("ActiveState") in ("active", "activating") or now.get("Result") == "success"
    return now.get("ActiveState") in ("active", "reloading")


def _wait(ctx: Context, name: str) -> None:
    deadline = time.monotonic() + _START_TIMEOUT
    while True:
        now = properties(ctx, name, fresh=True)
        if _up(now):
            return
        if now.get("ActiveState") == "failed":
            raise _failure(ctx, name, f"{name} failed to start ({now.get('Result', 'unknown')})")
        if time.monotonic() > deadline:
            raise _failure(
                ctx, name, f"{name} is still {now.get('ActiveState', 'unknown')} after {_START_TIMEOUT:.0f} s"
            )
        time.sleep(0.1)


def _failure(ctx: Context, name: str, what: str) -> AgentFault:
    done = ctx.host.run(["journalctl", "-u", name, "-n", "25", "--no-pager", "-o", "cat"], timeout=15)
    lines = [line for line in done.text.split("\n") if line] if done.ok else []
    for line in lines:
        ctx.log(f"{name}: {line}")
    error_line = next((x for x in reversed(lines) if any(w in x.lower() for w in ("error", "fatal", "fail"))), "")
    if error_line:
        what = f"{what}: {ctx.secrets.masked(error_line)[:300]}"
    return AgentFault(
        what,
        f"unit {name}",
        f"the unit's last lines are in the log; on the server: journalctl -u {name} -n 50",
    )
