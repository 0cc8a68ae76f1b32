"""Carries over what the rate limiter had on this server under its former name, mailwiz-guard. Runs on servers.

usage: mailwiz-limiter-take-over

The former unit goes on until Postfix asks the new one, so its counters are copied, and only once: nothing is
counted twice. What is sent while both run is counted by the former one alone. The operator's own settings move.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

FORMER, NAME = "mailwiz-guard", "mailwiz-rate-limiter"
LEVELS = "levels.sqlite"


def take_over(root: Path = Path("/"), owner: str | None = NAME) -> list[str]:
    """Copies counters that are not there yet and moves own settings; what was done, in words."""
    done = [f"moved {old} to {new}" for old, new in _own_settings(root) if _move(old, new)]
    old, new = root / f"var/lib/{FORMER}/{LEVELS}", root / f"var/lib/{NAME}/{LEVELS}"
    if old.exists() and not new.exists():
        _copy(old, new, owner)
        done.append(f"copied {old} to {new}")
    return done


def _own_settings(root: Path) -> Iterator[tuple[Path, Path]]:
    """What the operator may have written for the limiter (see its unit file), and its new place."""
    own = root / "etc/mailwiz/local.d"
    yield own / "guard.json", own / "rate-limiter.json"
    units = root / "etc/systemd/system"
    for path in sorted((units / f"{FORMER}.service.d").glob("*.conf")):
        if not path.name.startswith("mailwiz-"):
            yield path, units / f"{NAME}.service.d" / path.name


def _move(old: Path, new: Path) -> bool:
    """Whether there was something to move; where the new name is taken, the old file stays beside it."""
    if not old.exists():
        return False
    new.parent.mkdir(mode=0o755, exist_ok=True)
    old.rename(new.with_name(f"{new.name}.former") if new.exists() else new)
    return True


def _copy(old: Path, new: Path, owner: str | None) -> None:
    """The whole database or nothing, though the former unit may be writing to it."""
    begun = new.with_name(f"{new.name}.begun")
    begun.unlink(missing_ok=True)
    with closing(sqlite3.connect(old)) as source, closing(sqlite3.connect(begun)) as target:
        source.backup(target)
    if owner:
        shutil.chown(begun, owner, owner)
    os.replace(begun, new)


def main() -> None:
    """Takes over, and lets systemd read drop-ins that were moved."""
    for line in take_over():
        print(line)  # noqa: T201 - for the log of the installation
    subprocess.run(["systemctl", "daemon-reload"], check=True)


if __name__ == "__main__":
    main()
