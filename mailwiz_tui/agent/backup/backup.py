"""Backup and restore on demand: starts the server's own backup program and passes on what it says.

Both run as systemd units of their own, so a lost connection stops neither; whoever asks while one runs
follows it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

from ..core import secrets
from ..core.context import Raw
from ..core.fault import AgentFault
from ..core.files import write
from ..core.host import STATE, Host, require

PROGRAM = "/usr/local/lib/mailwiz/mailwiz-backup"
KEY_FILE = "/etc/mailwiz/backup/key"
KEY = "backup-key"
SHOWN = STATE + "/backup-key-shown"
BACKUP = "mailwiz-backup.service"
RESTORE = "mailwiz-restore.service"
PROGRESS = {BACKUP: "/run/mailwiz-backup.jsonl", RESTORE: "/run/mailwiz-restore.jsonl"}
"""What each says, line by line; files of their own, for a restore ends by starting a backup."""
_NOT_SET_UP = "set backup.target in the plan, then run apply"


def list_all(host: Host) -> Raw:
    """The backups in the repository, oldest first: id, time, host."""
    return {"snapshots": _ask(host, "list").get("snapshots", [])}


def start(host: Host, action: str, snapshot: str = "latest") -> Raw:
    """Starts a backup or a restore; one that runs already is only followed."""
    _present(host)
    unit = {"run": BACKUP, "restore": RESTORE}.get(action)
    if unit is None:
        raise AgentFault(f"{action!r} is nothing the backup can do", "backup")
    for other in (BACKUP, RESTORE):
        if _running(host, other):
            if other != unit:
                raise AgentFault("a backup or a restore is running already", "backup", "wait for its end")
            return {"unit": unit, "attached": True}
    if os.path.exists(host.path(PROGRESS[unit])):
        os.unlink(host.path(PROGRESS[unit]))
    argv = ["systemctl", "start", "--no-block", BACKUP]
    if action == "restore":
        argv = ["systemd-run", "--quiet", "--collect", "--no-block", f"--unit={RESTORE}", "--property=UMask=0077"]
        argv += [f"--property=StandardOutput=truncate:{PROGRESS[RESTORE]}", "--", PROGRAM, "restore", snapshot]
    require(host.run(argv), f"the {action} does not start", unit)
    return {"unit": unit, "attached": False}


def follow(host: Host, unit: str) -> Iterator[Raw]:
    """What the unit says, as it says it, until it ends; the last item's event is ``done`` or ``failed``."""
    if unit not in PROGRESS:
        raise AgentFault(f"{unit!r} is nothing the backup does", "backup")
    offset, ended, seen = 0, False, time.monotonic()
    while True:
        lines, offset = _read(host, PROGRESS[unit], offset)
        for line in lines:
            yield line
            if line.get("event") in ("done", "failed"):
                return
        if ended:
            yield {"event": "failed", "what": "it ended without a word", "advice": f"journalctl -u {unit}"}
            return
        ended = time.monotonic() - seen > 2 and not lines and not _running(host, unit)
        if not lines:
            yield {}
        time.sleep(0.2)


def recovery_key(host: Host) -> Raw:
    """The key that opens the backup, until ``recovery_key_shown``; none where another key's backup lies there."""
    if not os.path.exists(host.path(KEY_FILE)) or os.path.exists(host.path(SHOWN)):
        return {"key": ""}
    if _said(host, ["try-key", KEY_FILE]).get("event") != "done":
        return {"key": ""}
    with open(host.state("secrets", KEY), encoding="utf-8") as handle:
        return {"key": handle.read().strip()}


def recovery_key_shown(host: Host) -> Raw:
    """Remembers that the operator has the key; it is never given out again."""
    write(host, SHOWN, b"", 0o600)
    return {}


def unlock(host: Host, key: str) -> Raw:
    """Takes over the recovery key of another installation's backup, so that this server goes on with it."""
    _present(host)
    if not key or not key.isascii() or not key.isprintable():
        raise AgentFault("a recovery key is one line of letters and digits", "backup")
    trial = host.state("secrets", "backup-key.trial")
    try:
        write(host, f"{STATE}/secrets/backup-key.trial", key.encode() + b"\n", 0o600)
        _ask(host, "try-key", trial)
    finally:
        if os.path.exists(trial):
            os.unlink(trial)
    secrets.put(host, KEY, key)
    write(host, KEY_FILE, key.encode() + b"\n", 0o600)
    return recovery_key_shown(host)


def _present(host: Host) -> None:
    if not os.path.exists(host.path(PROGRAM)):
        raise AgentFault("no backup is set up on this server", "backup", _NOT_SET_UP)


def _ask(host: Host, *words: str) -> Raw:
    """A short answer of the program; raises what it says went wrong."""
    _present(host)
    last = _said(host, list(words))
    if last.get("event") != "done":
        raise AgentFault(
            str(last.get("what", "the backup's program gave no answer")), "backup", str(last.get("advice", ""))
        )
    return last


def _said(host: Host, words: list[str]) -> Raw:
    done = host.run([PROGRAM, *words], timeout=150)
    return next(iter(_lines(done.output)[-1:]), {})


def _running(host: Host, unit: str) -> bool:
    """Whether a unit is under way; where systemd is too busy to answer, it counts as such."""
    done = host.run(["systemctl", "show", "-p", "ActiveState", "--value", "--", unit], timeout=30)
    return not done.ok or done.text.strip() not in ("inactive", "failed")


def _read(host: Host, path: str, offset: int) -> tuple[list[Raw], int]:
    try:
        with open(host.path(path), "rb") as handle:
            handle.seek(offset)
            data = handle.read()
    except OSError:
        return [], offset
    whole = data[: data.rfind(b"\n") + 1]
    return _lines(whole), offset + len(whole)


def _lines(data: bytes) -> list[Raw]:
    found: list[Any] = []
    for line in data.decode("utf-8", "replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [entry for entry in found if isinstance(entry, dict)]
