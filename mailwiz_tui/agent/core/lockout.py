"""Steps that could lock the operator out: undone automatically unless a new connection confirms them.

Before the first change a snapshot is written and a timer armed that runs ``agent.pyz undo``; after the
change the run waits at a gate. Whoever creates the decision file first – the run, on a confirmation, or
the undo – has decided; the outcome stays in that file.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import time
from dataclasses import dataclass, field
from typing import cast

from ..protocol.blueprint import Absent, Command, File, Step, Unit
from ..protocol.codec import from_json, to_json
from ..protocol.journal import GateEvent
from . import files
from .context import Context
from .fault import AgentFault
from .host import STATE, Host
from .state import State

GATE_SECONDS = 60.0
_FIREWALL = "check that the firewall opens the SSH port that you use"
_ADVICE = {
    "ssh": "check that known_hosts has the server's ed25519 key or a strong RSA key, and that no firewall on the "
    "way blocks new connections; or set security.ssh_hardening = false"
}
"""What to look at after a step that locked the operator out, by its id."""
_MARGIN = 30.0


@dataclass(frozen=True)
class KeptFile:
    """What was at a path (``files.OnDisk``), its content in base64."""

    content: str | None
    link: str
    mode: int
    uid: int
    gid: int


@dataclass(frozen=True)
class KeptUnit:
    """How a unit was."""

    active: bool
    enabled: bool


@dataclass(frozen=True)
class Snapshot:
    """A step's surroundings before its first change; ``written`` has the state's digests of its files.

    ``nft`` has the text of each nftables table by family and name. A file that was absent is None.
    """

    step: str
    files: dict[str, KeptFile | None] = field(default_factory=dict)
    units: dict[str, KeptUnit] = field(default_factory=dict)
    commands: tuple[str, ...] = ()
    nft: dict[str, str] = field(default_factory=dict)
    written: dict[str, str] = field(default_factory=dict)


def safe(name: str) -> str:
    """A step's id as part of a file or unit name."""
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)


def arm(ctx: Context, step: Step, gate_seconds: float) -> None:
    """Takes the snapshot and, where systemd is, arms the timer. Called before the step's first change."""
    host, run_id = ctx.host, ctx.run_id
    paths = [item.path for item in step.items if isinstance(item, (File, Absent))]
    kept = Snapshot(
        step.id,
        {path: _packed(files.look(host, path)) for path in paths},
        {item.name: _unit_now(host, item.name) for item in step.items if isinstance(item, Unit)},
        tuple(item.id for item in step.items if isinstance(item, Command)),
        _tables(host),
        {path: ctx.state.file(path) for path in paths},
    )
    for name in (_decision(run_id, step.id), _asked(run_id, step.id)):
        files.remove(host, name)
    files.write(host, _undo_file(run_id, step.id), json.dumps(to_json(kept)).encode(), 0o600)
    if host.real:
        done = host.run([
            "systemd-run", "-q", "--collect", "--unit", _unit(run_id, step.id),
            f"--on-active={gate_seconds + _MARGIN:.0f}", "--timer-property=AccuracySec=1s", "-p", "UMask=0077",
            sys.executable, "-I", host.state("runs", run_id, "agent.pyz"), "undo", "/", run_id, step.id,
        ])  # fmt: skip
        if not done.ok:
            raise AgentFault(f"the automatic undo cannot be armed: {done.text}", f"step {step.id}")
    ctx.log(f"without a confirmation over a new SSH connection this step is undone in {gate_seconds:.0f} s")


def wait_for_confirmation(ctx: Context, step: Step, gate_seconds: float) -> None:
    """Waits at the gate; returns when confirmed, else undoes the step and raises ``AgentFault``."""
    host, run_id, name = ctx.host, ctx.run_id, step.id
    deadline = time.time() + gate_seconds
    if ctx.journal:
        ctx.journal.write(GateEvent(name, deadline))
    while time.time() < deadline and not os.path.exists(host.path(_decision(run_id, name))):
        if os.path.exists(host.path(_asked(run_id, name))) and decide(host, run_id, name, "confirmed"):
            break
        time.sleep(0.1)
    if outcome(host, run_id, name) == "confirmed":
        disarm(host, run_id, name)
        ctx.log("confirmed over a new connection")
        return
    undo(host, run_id, name)
    disarm(host, run_id, name)
    raise AgentFault(
        f"no new SSH connection confirmed “{step.title}” within {gate_seconds:.0f} s, so it was undone",
        f"step {name}", _ADVICE.get(name, _FIREWALL) + ", then run apply again",
    )  # fmt: skip


def give_up(ctx: Context, step: Step) -> None:
    """Undoes a lockout step that failed on its way, and disarms the timer."""
    if os.path.exists(ctx.host.path(_undo_file(ctx.run_id, step.id))):
        undo(ctx.host, ctx.run_id, step.id)
        disarm(ctx.host, ctx.run_id, step.id)


def confirm(host: Host, run_id: str, step: str, timeout: float = 10.0) -> str:
    """Asks the waiting run to keep the step; returns the outcome (``confirmed``, ``reverted`` or ``unknown``)."""
    folder = host.state("runs", run_id)
    if not re.fullmatch(r"[A-Za-z0-9_.-]+", run_id) or not os.path.isdir(folder):
        raise AgentFault(f"there is no run {run_id}", "confirm")
    files.write(host, _asked(run_id, step), b"", 0o600)
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        if found := outcome(host, run_id, step):
            return found
        time.sleep(0.05)
    return "unknown"


def decide(host: Host, run_id: str, step: str, what: str) -> bool:
    """Records a decision if none was taken yet; whether it was ours."""
    try:
        handle = os.open(host.path(_decision(run_id, step)), os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    os.write(handle, what.encode())
    os.fsync(handle)
    os.close(handle)
    return True


def outcome(host: Host, run_id: str, step: str) -> str:
    """The decision taken, or an empty string."""
    try:
        with open(host.path(_decision(run_id, step)), encoding="ascii") as handle:
            return handle.read()
    except FileNotFoundError:
        return ""


def undo(host: Host, run_id: str, step: str) -> bool:
    """Brings back what the snapshot holds, unless the step was confirmed; whether it did."""
    if not decide(host, run_id, step, "reverted"):
        return False
    with open(host.path(_undo_file(run_id, step)), encoding="utf-8") as handle:
        kept = cast("Snapshot", from_json(Snapshot, json.load(handle)))
    state = State(host)
    for path, packed in kept.files.items():
        files.restore(host, path, _unpacked(packed))
        if written := kept.written.get(path):
            state.record("files", path, written)
        else:
            state.forget("files", path)
    for command in kept.commands:
        state.forget("commands", command)
    state.forget("validated", step)
    host.run(["systemctl", "daemon-reload"], timeout=30)
    for unit, was in kept.units.items():
        state.forget("units", unit)
        if not was.enabled:
            host.run(["systemctl", "disable", "--", unit], timeout=30)
        host.run(["systemctl", "reload-or-restart" if was.active else "stop", "--", unit], timeout=60)
    _restore_tables(host, kept.nft)
    return True


def disarm(host: Host, run_id: str, step: str) -> None:
    """Stops the timer."""
    if host.real:
        host.run(["systemctl", "stop", f"{_unit(run_id, step)}.timer"], timeout=30)


def _tables(host: Host) -> dict[str, str]:
    done = host.run(["nft", "list", "tables"], timeout=15)
    names = [line.removeprefix("table ").strip() for line in done.text.split("\n") if line.startswith("table ")]
    return {name: _table(host, name) for name in names} if done.ok else {}


def _table(host: Host, name: str) -> str:
    done = host.run(["nft", "list", "table", *name.split()], timeout=15)
    return done.output.decode("utf-8", "replace") if done.ok else ""


def _restore_tables(host: Host, before: dict[str, str]) -> None:
    now = _tables(host)
    script = [f"delete table {name}" for name, text in now.items() if before.get(name) != text]
    script += [text for name, text in before.items() if now.get(name) != text]
    if script:
        host.run(["nft", "-f", "-"], "\n".join(script).encode(), timeout=30)


def _unit_now(host: Host, name: str) -> KeptUnit:
    states = host.run(["systemctl", "show", "-p", "ActiveState,UnitFileState", "--", name]).text
    return KeptUnit("ActiveState=active" in states, "UnitFileState=enabled" in states)


def _packed(found: files.OnDisk | None) -> KeptFile | None:
    if found is None:
        return None
    content = None if found.content is None else base64.b64encode(found.content).decode()
    return KeptFile(content, found.link, found.mode, found.uid, found.gid)


def _unpacked(kept: KeptFile | None) -> files.OnDisk | None:
    if kept is None:
        return None
    content = None if kept.content is None else base64.b64decode(kept.content)
    return files.OnDisk(content, kept.link, kept.mode, kept.uid, kept.gid)


def _unit(run_id: str, step: str) -> str:
    return f"mailwiz-undo-{safe(run_id)}-{safe(step)}"


def _undo_file(run_id: str, step: str) -> str:
    return f"{STATE}/runs/{run_id}/undo-{safe(step)}.json"


def _decision(run_id: str, step: str) -> str:
    return f"{STATE}/runs/{run_id}/decision-{safe(step)}"


def _asked(run_id: str, step: str) -> str:
    return f"{STATE}/runs/{run_id}/confirm-{safe(step)}"
