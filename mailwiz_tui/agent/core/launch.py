"""Starts runs as systemd units of their own, and reads their state."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator

from ..protocol import archive
from ..protocol.blueprint import AgentBlueprint
from ..protocol.clean import tail
from ..protocol.codec import Document, to_json
from ..protocol.journal import EndEvent, event_of
from ..protocol.runs import JournalChunk, RunHolder, RunOptions, RunStarted, RunStatus
from . import files, policy
from .fault import AgentFault
from .host import STATE, Host
from .lock import active_run, holder_of

_RUN_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{3,60}\Z")
_FINISH = f"""#!/bin/sh
# Runs when the unit of a mailwiz run has ended, in whatever way (systemd's ExecStopPost).
here=$(dirname "$0")
if grep -q '{policy.MARKER}' {policy.PATH} 2>/dev/null; then rm -f {policy.PATH}; fi
if [ -e {policy.SAVED} ] && [ ! -e {policy.PATH} ]; then mv {policy.SAVED} {policy.PATH}; fi
printf '%s %s %s\\n' "$SERVICE_RESULT" "$EXIT_CODE" "$EXIT_STATUS" >"$here/result.tmp"
sync "$here/result.tmp"
mv "$here/result.tmp" "$here/result"
"""


def start(host: Host, run_id: str, blueprint: AgentBlueprint, options: RunOptions) -> RunStarted:
    """Starts a run unless one is active; then it is that one which is told."""
    if not _RUN_ID.match(run_id):
        raise AgentFault(f"{run_id!r} is not a valid id of a run", "start")
    if active := active_run(host):
        return RunStarted(holder_of(host, active), started=False)
    host.make_state_dirs()
    folder = host.state("runs", run_id)
    if os.path.isdir(folder):
        return RunStarted(RunHolder(run_id), started=False)
    os.mkdir(folder, 0o700)
    base = f"{STATE}/runs/{run_id}"
    files.write(host, f"{base}/agent.pyz", archive.own(), 0o600)
    files.write(host, f"{base}/blueprint.json", json.dumps(to_json(blueprint)).encode(), 0o600)
    files.write(host, f"{base}/options.json", json.dumps(to_json(options)).encode(), 0o600)
    files.write(host, f"{base}/finish.sh", _FINISH.encode(), 0o700)
    agent = [sys.executable, "-I", os.path.join(folder, "agent.pyz"), "run", host.root, run_id]
    if host.real:
        _start_unit(host, run_id, folder, agent)
    else:
        with open(os.path.join(folder, "output"), "ab") as output:
            subprocess.Popen(agent, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                             start_new_session=True, env=host.environment(), cwd="/")  # fmt: skip
    _wait_for_journal(host, run_id)
    return RunStarted(RunHolder(run_id), started=True)


def _start_unit(host: Host, run_id: str, folder: str, agent: list[str]) -> None:
    output = os.path.join(folder, "output")
    done = host.run([
        "systemd-run", "-q", "--collect", "--unit", f"mailwiz-run-{run_id}",
        "--description", f"mailwiz installation {run_id}",
        "-p", "Type=exec", "-p", "UMask=0077", "-p", "StandardInput=null",
        "-p", f"StandardOutput=append:{output}", "-p", f"StandardError=append:{output}",
        "-p", f"ExecStopPost=/bin/sh {folder}/finish.sh", "-p", "WorkingDirectory=/",
        *agent,
    ])  # fmt: skip
    if not done.ok:
        raise AgentFault(f"systemd did not start the run: {done.text}", "systemd-run",
                         "on the server: systemctl status")  # fmt: skip


def _wait_for_journal(host: Host, run_id: str) -> None:
    path, deadline = host.state("runs", run_id, "journal.jsonl"), time.monotonic() + 20
    while time.monotonic() < deadline:
        if os.path.exists(path) and os.path.getsize(path):
            return
        if os.path.exists(host.state("runs", run_id, "result")):
            break
        time.sleep(0.03)
    try:
        with open(host.state("runs", run_id, "output"), encoding="utf-8", errors="replace") as handle:
            said = handle.read()[-500:]
    except OSError:
        said = ""
    raise AgentFault(f"the run did not start: {said.strip() or 'no output'}", f"run {run_id}")


def status(host: Host) -> RunStatus:
    """The latest run and how it stands."""
    try:
        runs = sorted(os.listdir(host.state("runs")))
    except OSError:
        runs = []
    active = active_run(host)
    latest = active if active in runs else (runs[-1] if runs else "")
    if not latest:
        return RunStatus("none")
    if active:
        return RunStatus("active", holder_of(host, latest))
    end = _end(host.state("runs", latest, "journal.jsonl"))
    return RunStatus(end.state if end else "interrupted", RunHolder(latest), end)


def follow(host: Host, run_id: str, offset: int) -> Iterator[JournalChunk | None]:
    """Chunks of a run's journal until it ends; None while nothing comes.

    Only whole lines are passed on. The run counts as interrupted where nobody writes any more and no end was
    written.
    """
    path = host.state("runs", run_id, "journal.jsonl")
    if not _RUN_ID.match(run_id) or not os.path.exists(path):
        raise AgentFault(f"there is no run {run_id}", "follow")
    rest = b""
    with open(path, "rb") as journal:
        journal.seek(offset)
        while True:
            alive = active_run(host) == run_id
            data = journal.read(256 << 10)
            if data:
                lines, _, rest = (rest + data).rpartition(b"\n")
                events = tuple(event for line in lines.split(b"\n") if line and (event := _parsed(line)))
                offset = journal.tell() - len(rest)
                if events:
                    ended = any(event.get("t") == "end" for event in events)
                    yield JournalChunk(offset, events, "ended" if ended else "active")
                    if ended:
                        return
                continue
            if not alive:
                yield JournalChunk(offset, (), "interrupted", _last_words(host, run_id))
                return
            yield None
            time.sleep(0.1)


def _last_words(host: Host, run_id: str) -> str:
    """The output of systemd and the agent for a run whose journal has no end."""
    words = []
    for name in ("result", "output"):
        try:
            with open(host.state("runs", run_id, name), encoding="utf-8", errors="replace") as handle:
                words.append(tail(handle.read()[-2000:], 1))
        except OSError:
            continue
    return "; ".join(word for word in words if word and word != "success exited 0")


def _parsed(line: bytes) -> Document | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None


def _end(path: str) -> EndEvent | None:
    """The end that a journal has as its last line."""
    try:
        with open(path, "rb") as handle:
            handle.seek(max(0, os.path.getsize(path) - 65536))
            lines = handle.read().rstrip(b"\n").split(b"\n")
    except OSError:
        return None
    event = event_of(_parsed(lines[-1]) or {})
    return event if isinstance(event, EndEvent) else None
