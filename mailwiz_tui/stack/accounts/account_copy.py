"""Keeps this server's copy of the accounts, so that it works while the account store is down.

usage: account-copy                read the accounts and write the files that changed
       account-copy --complete     only if there is no copy with the present settings; exit code 1 without one
       account-copy --age          the age of the copy, in seconds

If the account store cannot be read, the last copy stays. A timer runs it every 30 s, the installer after each
change of an account. The account store knows this server by its internal certificate; there is no password. A
server with mailboxes also tells the account store how full they are. Runs on servers.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict, cast

from .copy_files import write, write_map
from .copy_query import WORD, NoAnswerError, Rows, query, question, rows_from, usage_update
from .copy_settings import CopiedSecret, CopySettings
from .copy_tables import Tables

SETTINGS = "/etc/mailwiz/account-copy.json"
FOLDER = "/var/lib/mailwiz-accounts"
ROWS = "rows.json"
FRESH = "fresh"
DIRECTORY = "directory.json"


class Saved(TypedDict):
    """The rows that were read last, and the settings that they were written with."""

    settings: str
    rows: Rows


def write_all(rows: Rows, settings: CopySettings, folder: str) -> None:
    """Writes the tables and the logins that changed; raises ``NoAnswerError`` without any domain."""
    tables = Tables(rows, settings)
    if not tables.domains:
        raise NoAnswerError("the account store has no domain")
    for name, entries in tables.maps().items():
        write_map(os.path.join(folder, "postfix"), name, entries)
    if settings.directory_group:
        text = json.dumps(tables.directory(), sort_keys=True)
        write(os.path.join(folder, DIRECTORY), text, group=settings.directory_group)
    if settings.logins:
        write(os.path.join(folder, "dovecot", "users"), tables.logins(), group="dovecot")


def saved(folder: str) -> Saved | None:
    """The copy that was written last, or None."""
    try:
        return cast(Saved, json.loads(Path(folder, ROWS).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return None


def update(settings: CopySettings, folder: str) -> None:
    """Reads and writes; if the store does not answer, the last rows are written with the present settings.

    Raises ``NoAnswerError``, ``OSError`` and ``subprocess.TimeoutExpired``.
    """
    with open(os.path.join(folder, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = saved(folder)
        try:
            rows = rows_from(query(settings, question(settings.passwords, settings.mailbox_quota)))
        except (NoAnswerError, OSError, subprocess.TimeoutExpired):
            if before and before["settings"] != settings.mark:
                write_all(before["rows"], settings, folder)
            raise
        write_all(rows, settings, folder)
        now: Saved = {"settings": settings.mark, "rows": rows}
        write(os.path.join(folder, ROWS), json.dumps(now, sort_keys=True), 0o600)
        write(os.path.join(folder, FRESH), f"{int(time.time())}\n", 0o644)
        for secret in settings.secrets:
            asked = f"SELECT value FROM mailwiz_secret WHERE name = '{secret.name}';\n"  # noqa: S608 - our own name
            keep_secret(secret, query(settings, asked))
        if settings.usage_file and (statements := usage_update(rows, settings)):
            query(settings, statements)


def keep_secret(secret: CopiedSecret, lines: Sequence[str]) -> None:
    """Writes the copy of a common secret; a program that reads it only when it starts is restarted."""
    if not lines or not WORD.match(lines[0]):
        raise NoAnswerError(f"the account store has no secret {secret.name} yet")
    mode = 0o640 if secret.group else 0o600
    if write(secret.path, f"{lines[0]}\n", mode, secret.group) and secret.unit:
        subprocess.run(["systemctl", "try-restart", "--no-block", secret.unit], check=False, timeout=30)


def secret_missing(settings: CopySettings) -> bool:
    """Whether this server needs a common secret and never received it."""
    return not all(os.path.exists(secret.path) for secret in settings.secrets)


def age(folder: str) -> int:
    """Seconds since the accounts were last read."""
    return int(time.time()) - int(Path(folder, FRESH).read_text(encoding="utf-8"))


def complete(settings: CopySettings, folder: str) -> bool:
    """Whether there is a copy that was made with the present settings."""
    before = saved(folder)
    return before is not None and before["settings"] == settings.mark and not secret_missing(settings)


def try_update(settings: CopySettings, folder: str) -> bool:
    """Updates the copy and prints an error if that fails; returns whether there is a copy."""
    try:
        update(settings, folder)
    except (NoAnswerError, OSError, subprocess.TimeoutExpired) as error:
        store = settings.database.host or "this server"
        print(f"the accounts on {store} cannot be read: {error}", file=sys.stderr, flush=True)  # noqa: T201
        return saved(folder) is not None and not secret_missing(settings)
    return True


def main() -> int:
    """The command; see the module's first lines."""
    options = argparse.ArgumentParser()
    options.add_argument("--complete", action="store_true")
    options.add_argument("--age", action="store_true")
    given = options.parse_args()
    if given.age:
        print(age(FOLDER))  # noqa: T201
        return 0
    settings = CopySettings.read(SETTINGS)
    if given.complete and complete(settings, FOLDER):
        return 0
    there = try_update(settings, FOLDER)
    return 1 if given.complete and not there else 0


if __name__ == "__main__":
    sys.exit(main())
