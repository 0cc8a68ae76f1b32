"""Commands of a blueprint: run when ``unless`` fails or when what they read differs from the last success."""

from __future__ import annotations

import json

from ..core.context import Context
from ..core.fault import AgentFault
from ..core.files import digest
from ..protocol.blueprint import Command
from ..protocol.clean import error_lines
from ..protocol.runs import Change


def status(ctx: Context, item: Command) -> Change | None:
    """Whether a command has to run, and why."""
    reason = ""
    if item.unless and not ctx.host.run(item.unless, timeout=min(item.timeout, 60.0)).ok:
        reason = "its check failed"
    elif item.inputs or not item.unless:
        recorded = ctx.state.command(item.id)
        if recorded != _fingerprint(ctx, item):
            reason = "its input has changed" if recorded else "it has not run yet"
    return Change("command", item.id, "run", (), f"{reason}: {' '.join(item.argv)}") if reason else None


def apply(ctx: Context, item: Command) -> None:
    """Runs a command; remembers its inputs only if it succeeded and its own check is satisfied."""
    stdin = ctx.secrets.fill(item.stdin) or ""
    done = ctx.host.stream(item.argv, ctx.say, stdin=stdin.encode(), timeout=item.timeout)
    program = item.argv[0].rsplit("/", 1)[-1]
    if not done.ok:
        last = ctx.secrets.masked(error_lines(done.text))
        how = "took too long" if done.exit is None else f"ended with {done.exit}"
        raise AgentFault(f"{program} {how}{': ' + last if last else ''}", f"command {item.id}")
    if item.unless:
        check = ctx.host.run(item.unless, timeout=60)
        if not check.ok:
            last = ctx.secrets.masked(error_lines(check.text))
            raise AgentFault(f"{program} succeeded, but its check still fails: {last or 'no output'}",
                             f"command {item.id}")  # fmt: skip
    ctx.state.record("commands", item.id, _fingerprint(ctx, item))


def _fingerprint(ctx: Context, item: Command) -> str:
    inputs = {path: ctx.content_digest(path) for path in item.inputs}
    return digest(json.dumps([list(item.argv), item.stdin, inputs], sort_keys=True).encode())
