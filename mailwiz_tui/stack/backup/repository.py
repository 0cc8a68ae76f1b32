"""The restic repository of the backups (restic(1)). Runs on servers."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import IO, TypedDict

from .backup_settings import CACHE, BackupSettings
from .reports import Failure, tell

LOCKED = (
    "the repository has the backup of another installation, and this server's key does not open it",
    "give its recovery key: mailwiz-tui backup restore PLAN --key; or choose another backup.target",
)


class Opening(Enum):
    """The result of trying this server's key on the repository."""

    OPENS = "yes"
    MISSING = "no repository"
    WRONG_KEY = "wrong key"


class Snapshot(TypedDict):
    """A backup: its short id, the time in RFC 3339, the host it is of."""

    id: str
    time: str
    host: str


@dataclass(frozen=True)
class Copied:
    """How ``restic backup`` ended: exit code, the snapshot's short id, and its last words."""

    code: int
    snapshot: str
    said: str


def call(
    argv: Sequence[str],
    env: Mapping[str, str] | None = None,
    stdin: IO[str] | None = None,
    stdout: IO[str] | int = subprocess.PIPE,
    timeout: float | None = None,
) -> subprocess.CompletedProcess[str]:
    """Runs a command and keeps its output."""
    return subprocess.run(
        argv, env=env, stdin=stdin or subprocess.DEVNULL, stdout=stdout, stderr=subprocess.PIPE, text=True,
        errors="replace", timeout=timeout, check=False,
    )  # fmt: skip


def must(done: subprocess.CompletedProcess[str], what: str, advice: str = "") -> subprocess.CompletedProcess[str]:
    """The command's result; raises ``Failure`` with its last line if it failed."""
    if done.returncode != 0:
        raise Failure(f"{what}: {last_line(done.stderr) or f'exit code {done.returncode}'}", advice)
    return done


def last_line(text: str | None) -> str:
    """The last line that is not empty, cut to 300 characters."""
    lines = [line.strip() for line in (text or "").splitlines() if line.strip()]
    return lines[-1][:300] if lines else ""


def environment(settings: BackupSettings) -> dict[str, str]:
    """restic's environment; it names the files with the secrets."""
    env = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "RESTIC_REPOSITORY": settings.repository,
        "RESTIC_PASSWORD_FILE": settings.key_file,
        "RESTIC_CACHE_DIR": CACHE,
    }
    if settings.s3_credentials:
        env["AWS_SHARED_CREDENTIALS_FILE"] = settings.s3_credentials
    if settings.old_mail:
        env["RESTIC_READ_CONCURRENCY"] = "16"  # an object store answers late; restic of Debian 12 does not know it
    if settings.s3_region:
        env["AWS_DEFAULT_REGION"] = settings.s3_region
    return env


def restic(settings: BackupSettings, *words: str, timeout: float | None = None) -> subprocess.CompletedProcess[str]:
    """Runs restic; raises ``Failure`` if the repository does not answer in time."""
    try:
        return call(["restic", "--quiet", *words], environment(settings), timeout=timeout)
    except subprocess.TimeoutExpired as error:
        raise Failure(
            f"the backup's repository {settings.repository} does not answer",
            "check that the server can reach it",
        ) from error


def try_opening(settings: BackupSettings, patience: float = 120) -> Opening:
    """Tries this server's key; raises ``Failure`` if the repository cannot be reached."""
    done = restic(settings, "cat", "config", "--no-lock", timeout=patience)
    if done.returncode == 0:
        return Opening.OPENS
    said = done.stderr.lower()
    if "wrong password" in said or "no key found" in said:
        return Opening.WRONG_KEY
    if "does not exist" in said or "is there a repository" in said or "unable to open config file" in said:
        if "access denied" in said or "signature" in said or "invalidaccesskey" in said:
            raise Failure(f"the object store refuses the access key: {last_line(done.stderr)}")
        if settings.repository.startswith("/") or "does not exist" in said or "not found" in said:
            return Opening.MISSING
    raise Failure(
        f"the backup's repository cannot be reached: {last_line(done.stderr)}", "check that the server can reach it"
    )


def snapshots(settings: BackupSettings) -> list[Snapshot]:
    """The backups in the repository, oldest first."""
    done = must(
        restic(settings, "snapshots", "--json", "--no-lock", "--tag", "mailwiz"), "the backups cannot be listed"
    )
    found = json.loads(done.stdout or "[]") or []
    return [
        Snapshot(id=s["short_id"], time=s["time"], host=s["hostname"])
        for s in sorted(found, key=lambda s: str(s["time"]))
    ]


def back_up(settings: BackupSettings, words: Sequence[str]) -> Copied:
    """Runs ``restic backup`` and passes its progress on, at most once a second."""
    process = subprocess.Popen(
        ["restic", *words], env=environment(settings), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True, errors="replace",
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    snapshot, told, errors = "", 0.0, []
    for line in process.stdout:
        with contextlib.suppress(ValueError):
            message = json.loads(line)
            match message.get("message_type"):
                case "summary":
                    snapshot = message["snapshot_id"][:8]
                case "status" if time.monotonic() - told >= 1:
                    told = time.monotonic()
                    percent = round(100 * message.get("percent_done", 0))
                    tell("progress", percent=percent, bytes=message.get("bytes_done", 0))
                case "error":
                    errors.append(str(message.get("item", "")))
    said = process.stderr.read()
    return Copied(process.wait(), snapshot, last_line(said) or ", ".join(errors[:3]))
