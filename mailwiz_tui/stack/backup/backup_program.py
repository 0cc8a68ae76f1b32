"""Backs the mail server up with restic(1) and restores it.

usage: mailwiz-backup init | run | list | status | try-key FILE | restore SNAPSHOT

A backup has a dump of the accounts' database, the mailboxes with their Sieve scripts, and the operator's own
configuration files, but no private key. Settings are in /etc/mailwiz/backup/backup.json.
Each of several stores backs itself up; the one with MariaDB has the accounts in its backup.
Progress goes to standard output, an object of JSON a line; the last one's "event" is "done" or "failed".
Runs on servers.
"""

from __future__ import annotations

import contextlib
import dataclasses
import fcntl
import json
import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import IO, TypedDict, cast

from . import old_mail
from .backup_settings import CACHE, LAST, STAGE, BackupSettings, read_settings
from .reports import Failure, step, tell
from .repository import LOCKED, Opening, back_up, call, last_line, must, restic, snapshots, try_opening
from .restore import restore

LOCK = "/run/mailwiz-backup.lock"
MANAGED = b"Managed by mailwiz-tui"
PRIVATE = b"PRIVATE KEY-----"
FRESH_HOURS = 48
TRANSIENT = ("session", "cache", "cache_shared", "cache_index", "cache_thread", "cache_messages", "mailwiz_session")
"""Tables of the web applications of which the backup has no rows: they are of use for a day at most."""
STATUS_PATIENCE = 15
"""Seconds; the check that asks for the status waits for 20 at most."""
INCOMPLETE = 3
"""restic backup: a file could not be read (it was removed meanwhile)."""


class Last(TypedDict):
    """The last backup: its end (seconds since 1970), its short id, and the error of its check."""

    at: float
    snapshot: str
    check: str


def init(settings: BackupSettings) -> None:
    """Creates the repository if there is none, and starts a first backup if it has none of this server."""
    state = try_opening(settings)
    if state is Opening.WRONG_KEY:
        step(LOCKED[0])
        tell("done", text="locked: " + LOCKED[1])
        return
    if state is Opening.MISSING:
        make_repository(settings)
    if not snapshots(settings):
        call(["systemctl", "start", "--no-block", "mailwiz-backup.service"])
    tell("done", text="the backup's repository is ready")


def make_repository(settings: BackupSettings) -> None:
    """A new, empty repository; a missing directory on this server is created."""
    if settings.repository.startswith("/"):
        os.makedirs(settings.repository, mode=0o700, exist_ok=True)
        os.chmod(settings.repository, 0o700)
    must(restic(settings, "init"), "the backup's repository cannot be created")


def own_files(kept: Iterable[str]) -> list[str]:
    """The operator's own files below the kept paths, without those of mailwiz-tui and private keys."""
    found = []
    for place in kept:
        folder_of_one = [(os.path.dirname(place), [""], [os.path.basename(place)])]
        for folder, _, names in os.walk(place) if os.path.isdir(place) else folder_of_one:
            for name in sorted(names):
                path = os.path.join(folder, name)
                with contextlib.suppress(OSError), open(path, "rb") as handle:
                    content = handle.read(1 << 20)
                    if MANAGED not in content[:400] and PRIVATE not in content and not name.endswith(".example"):
                        found.append(path)
    return found


def run(settings: BackupSettings) -> None:
    """One backup: dump, copy, remove old backups, check."""
    old_mail.require_mount(settings)
    state = try_opening(settings)
    if state is Opening.WRONG_KEY:
        raise Failure(*LOCKED)
    if state is Opening.MISSING:
        init(settings)
    os.makedirs(STAGE, mode=0o700, exist_ok=True)
    os.makedirs(CACHE, mode=0o700, exist_ok=True)
    step("Copy the accounts out of the database")
    for name in settings.databases:
        dump(name)
    own = own_files(settings.kept)
    manifest = {
        "version": 1, "mail": settings.mail, "format": settings.format, "host": settings.host,
        "old_mail": settings.old_mail, "own": own,
    }  # fmt: skip
    Path(STAGE, "manifest.json").write_text(json.dumps(manifest, indent=1), encoding="utf-8")
    step("Copy mail, accounts and own configuration")
    with old_mail.at_rest(settings):
        snapshot = copy(settings, own)
    step("Remove old backups")
    forget(settings)
    step("Check the repository")
    checked = restic(settings, "check")
    complaint = last_line(checked.stderr) if checked.returncode else ""
    write_last({"at": time.time(), "snapshot": snapshot, "check": complaint})
    if checked.returncode:
        raise Failure(f"the repository is damaged: {complaint}", "see restic-check(1) and restic-rebuild-index(1)")
    tell("done", text=f"backup {snapshot} was made", snapshot=snapshot)


def copy(settings: BackupSettings, own: Iterable[str]) -> str:
    """Copies everything into the repository; the new snapshot's short id."""
    words = ["backup", "--json", "--tag", "mailwiz", "--host", settings.host]
    if settings.old_mail:
        # a mount has other inodes each time; by them all old mail would be read anew (a message never changes)
        words += ["--ignore-inode"]
    for pattern in settings.exclude:
        words += ["--exclude", pattern]
    places = [STAGE, *(place for place in settings.places if os.path.isdir(place)), *own]
    for attempts_left in (2, 1, 0):
        copied = back_up(settings, [*words, "--", *places])
        if copied.code == 0:
            return copied.snapshot
        if copied.code != INCOMPLETE or not attempts_left:
            raise Failure(f"restic did not copy all files: {copied.said}", "journalctl -u mailwiz-backup")
        step("Some files were removed while they were copied: copying again")
    raise AssertionError  # the last attempt returns or raises


def forget(settings: BackupSettings) -> None:
    """Removes backups that are older than what is kept (restic-forget(1))."""
    keep = [word for unit, count in settings.keep.items() if count for word in (f"--keep-{unit}", str(count))]
    done = restic(
        settings, "forget", "--tag", "mailwiz", "--host", settings.host, "--group-by", "host", *keep, "--prune"
    )
    must(done, "old backups cannot be removed", "restic unlock, if a backup was interrupted")


def dump(name: str) -> None:
    """A database as SQL without sessions and caches; the file is replaced when it is complete."""
    path = f"{STAGE}/{name}.sql"
    empty = [f"--ignore-table-data={name}.{table}" for table in TRANSIENT]
    with open(f"{path}.new", "w", encoding="utf-8") as handle:
        words = ["mariadb-dump", "--single-transaction", "--skip-dump-date", "--hex-blob", *empty, name]
        done = call(words, stdout=handle)
    must(done, f"the database {name} cannot be copied", "systemctl status mariadb")
    os.replace(f"{path}.new", path)


def write_last(last: Last) -> None:
    """Stores the last backup for ``status``."""
    Path(f"{LAST}.new").write_text(json.dumps(last), encoding="utf-8")
    os.replace(f"{LAST}.new", LAST)


def read_last() -> Last | None:
    """The last backup, or None."""
    try:
        return cast(Last, json.loads(Path(LAST).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def status(settings: BackupSettings) -> None:
    """Whether the repository has an undamaged backup of the last two days that this server's key opens."""
    state = try_opening(settings, STATUS_PATIENCE)
    if state is Opening.WRONG_KEY:
        raise Failure(*LOCKED)
    if state is Opening.MISSING:
        raise Failure(
            f"there is no repository at {settings.repository}", "restore it, or apply the plan again to create one"
        )
    last = read_last()
    if last is None:
        if call(["systemctl", "is-active", "mailwiz-backup.service"]).stdout.strip() == "activating":
            tell("done", text="the first backup is being made")
            return
        raise Failure("no backup was made yet", "mailwiz-tui backup run PLAN; journalctl -u mailwiz-backup")
    if last["check"]:
        raise Failure(f"the repository is damaged: {last['check']}", "see restic-check(1)")
    if not any(s["id"] == last["snapshot"] for s in snapshots(settings)):
        raise Failure(
            f"the last backup, {last['snapshot']}, is not in the repository any more", "mailwiz-tui backup run PLAN"
        )
    hours = (time.time() - last["at"]) / 3600
    if hours > FRESH_HOURS:
        raise Failure(f"the last backup is {hours / 24:.0f} days old", "journalctl -u mailwiz-backup")
    text = f"fresh: the last backup, {last['snapshot']}, is {hours:.0f} hours old"
    tell("done", text=text, snapshot=last["snapshot"])


def try_key(settings: BackupSettings, path: str) -> None:
    """Whether the key in a file opens the repository."""
    state = try_opening(dataclasses.replace(settings, key_file=path))
    if state is Opening.WRONG_KEY:
        raise Failure(
            "the recovery key does not open the backup", "check that it is the key shown at the installation"
        )
    if state is Opening.MISSING:
        raise Failure(f"there is no backup at {settings.repository}", "copy the repository there first")
    tell("done", text="the key opens the backup")


def take(lock: IO[str]) -> None:
    """Holds the lock against a second backup or restore."""
    for _ in range(50):
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(0.2)
    raise Failure(
        "a backup or a restore is running already", "wait until it ends: journalctl -u 'mailwiz-*' -f on the server"
    )


def main(words: list[str]) -> None:
    """The command; see the module's first lines."""
    settings = read_settings()
    match words:
        case ["status"]:
            return status(settings)
        case ["list"]:
            if try_opening(settings) is not Opening.OPENS:
                raise Failure(*LOCKED)
            return tell("done", text="", snapshots=snapshots(settings))
        case ["try-key", path]:
            return try_key(settings, path)
    with open(LOCK, "w", encoding="ascii") as lock:
        take(lock)
        match words:
            case ["init"]:
                return init(settings)
            case ["run"]:
                return run(settings)
            case ["restore", snapshot]:
                return restore(settings, snapshot)
    raise Failure("usage: mailwiz-backup init | run | list | status | try-key FILE | restore SNAPSHOT")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except Failure as failure:
        tell("failed", what=failure.what, advice=failure.advice)
        sys.exit(1)
    except Exception as error:
        tell("failed", what=f"{type(error).__name__}: {error}", advice="journalctl -u mailwiz-backup")
        sys.exit(1)
