"""Backup and restore on demand: starts the server's own backup program and streams its output.

Both run as systemd units of their own, so a lost connection stops neither; whoever asks while one runs
follows it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator

from ..core import secrets
from ..core.fault import AgentFault
from ..core.files import write
from ..core.host import STATE, Host, require
from ..protocol.backup import BackupEvent, BackupStarted, RecoveryKey, SnapshotRow
from ..protocol.codec import Secret

Raw = dict[str, object]
"""A line that the backup's program prints."""
PROGRAM = "/usr/local/lib/mailwiz/mailwiz-backup"
KEY_FILE = "/etc/mailwiz/backup/key"
KEY = "backup-key"
SHOWN = STATE + "/backup-key-shown"
BACKUP = "mailwiz-backup.service"
RESTORE = "mailwiz-restore.service"
PROGRESS = {BACKUP: "/run/mailwiz-backup.jsonl", RESTORE: "/run/mailwiz-restore.jsonl"}
"""What each says, line by line; files of their own, for a restore ends by starting a backup."""
_NOT_SET_UP = "set backup.target in the plan, then run apply"


def list_all(host: Host) -> tuple[SnapshotRow, ...]:
    """The backups in the repository, oldest first."""
    found = _ask(host, "list").get("snapshots")
    rows = [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
    return tuple(SnapshotRow(*(str(row.get(key, "")) for key in ("id", "time", "host"))) for row in rows)


def start(host: Host) -> BackupStarted:
    """Starts a backup; one that runs already is only followed."""
    return _start(host, BACKUP, ["systemctl", "start", "--no-block", BACKUP], "the backup does not start")


def restore(host: Host, snapshot: str) -> BackupStarted:
    """Starts a restore; one that runs already is only followed."""
    argv = ["systemd-run", "--quiet", "--collect", "--no-block", f"--unit={RESTORE}", "--property=UMask=0077"]
    argv += [f"--property=StandardOutput=truncate:{PROGRESS[RESTORE]}", "--", PROGRAM, "restore", snapshot]
    return _start(host, RESTORE, argv, "the restore does not start")


def _start(host: Host, unit: str, argv: list[str], refused: str) -> BackupStarted:
    _present(host)
    for other in (BACKUP, RESTORE):
        if _running(host, other):
            if other != unit:
                raise AgentFault(
                    "a backup or a restore is running already",
                    "backup",
                    "wait until it ends: journalctl -u 'mailwiz-*' -f on the server",
                )
            return BackupStarted(unit, attached=True)
    if os.path.exists(host.path(PROGRESS[unit])):
        os.unlink(host.path(PROGRESS[unit]))
    require(host.run(argv), refused, unit)
    return BackupStarted(unit, attached=False)


def follow(host: Host, unit: str) -> Iterator[BackupEvent | None]:
    """What the unit says, as it says it, until it ends; the last item's event is ``done`` or ``failed``."""
    if unit not in PROGRESS:
        raise AgentFault(f"{unit!r} is not a unit of the backup", "backup")
    offset, ended, seen = 0, False, time.monotonic()
    while True:
        lines, offset = _read(host, PROGRESS[unit], offset)
        for line in lines:
            event = _event(line)
            yield event
            if event.event in ("done", "failed"):
                return
        if ended:
            yield BackupEvent("failed", what="it ended without output", advice=f"journalctl -u {unit}")
            return
        ended = time.monotonic() - seen > 2 and not lines and not _running(host, unit)
        if not lines:
            yield None
        time.sleep(0.2)


def _event(line: Raw) -> BackupEvent:
    """A line of the program, which may be of another version."""
    event, text, what, advice = (str(line.get(key, "")) for key in ("event", "text", "what", "advice"))
    percent = line.get("percent", 0)
    return BackupEvent(event, text, int(percent) if isinstance(percent, int | float) else 0, what, advice)


def recovery_key(host: Host) -> RecoveryKey:
    """The key that opens the backup, until ``recovery_key_shown``; none where another key's backup lies there."""
    if not os.path.exists(host.path(KEY_FILE)) or os.path.exists(host.path(SHOWN)):
        return RecoveryKey(Secret(""))
    if _said(host, ["try-key", KEY_FILE]).get("event") != "done":
        return RecoveryKey(Secret(""))
    with open(host.state("secrets", KEY), encoding="utf-8") as handle:
        return RecoveryKey(Secret(handle.read().strip()))


def recovery_key_shown(host: Host) -> None:
    """Remembers that the operator has the key; it is never given out again."""
    write(host, SHOWN, b"", 0o600)


def unlock(host: Host, key: str) -> None:
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
    recovery_key_shown(host)


def _present(host: Host) -> None:
    if not os.path.exists(host.path(PROGRAM)):
        raise AgentFault("no backup is configured on this server", "backup", _NOT_SET_UP)


def _ask(host: Host, *words: str) -> Raw:
    """A short answer of the program; raises what it says went wrong."""
    _present(host)
    last = _said(host, list(words))
    if last.get("event") != "done":
        raise AgentFault(
            str(last.get("what", "the backup program gave no answer")), "backup", str(last.get("advice", ""))
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
    found: list[object] = []
    for line in data.decode("utf-8", "replace").splitlines():
        try:
            found.append(json.loads(line))
        except ValueError:
            continue
    return [entry for entry in found if isinstance(entry, dict)]
