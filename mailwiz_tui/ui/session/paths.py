"""Where the program keeps drafts and what it remembers between starts (XDG base directories)."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path

MAX_RECENT = 8


def data_home() -> Path:
    """The folder of drafts and of the list of recent plans."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "mailwiz-tui"


def state_home() -> Path:
    """The folder of crash reports."""
    base = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(base) / "mailwiz-tui"


def default_draft_path() -> Path:
    """The draft that is opened when no plan file is named."""
    return data_home() / "drafts" / "plan.toml"


def write_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 atomically, with its folder of mode 0700 where it is new."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_new_private(path: Path, text: str) -> None:
    """Write a file of mode 0600 that must not exist yet (FileExistsError)."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


@dataclass(frozen=True, slots=True)
class Recent:
    """A plan that was worked on, and the inventory it was used with."""

    plan: Path
    inventory: Path | None = None


def load_recent() -> list[Recent]:
    """The plans worked on, the latest first; those whose file is gone, or nobody knows where, are left out."""
    try:
        raw = json.loads((data_home() / "recent.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    found = []
    for entry in raw if isinstance(raw, list) else []:
        if not isinstance(entry, dict) or not isinstance(entry.get("plan"), str):
            continue
        plan, inventory = Path(entry["plan"]), entry.get("inventory")
        if plan.is_absolute() and plan.is_file():
            found.append(Recent(plan, Path(inventory) if isinstance(inventory, str) else None))
    return found


def recent_besides(plan: Path) -> list[Recent]:
    """The plans worked on but for one."""
    return [recent for recent in load_recent() if recent.plan != plan.absolute()]


def remembered_inventory(plan: Path) -> Path | None:
    """The inventory that a plan was used with last, or None."""
    return next((recent.inventory for recent in load_recent() if recent.plan == plan.absolute()), None)


def remember(plan: Path, inventory: Path | None) -> None:
    """Put a plan at the head of the recent ones, to be found from any folder; a full disk stops nothing."""
    latest = Recent(plan.absolute(), inventory.absolute() if inventory is not None else None)
    entries = [latest, *recent_besides(plan)][:MAX_RECENT]
    raw = [{"plan": str(r.plan), "inventory": str(r.inventory) if r.inventory else None} for r in entries]
    try:
        write_private(data_home() / "recent.json", json.dumps(raw, indent=1))
    except OSError:
        return
