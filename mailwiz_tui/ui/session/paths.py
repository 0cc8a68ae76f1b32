"""The default draft, and the recent plans, which are stored between starts."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mailwiz_tui.plan.files import replace_file
from mailwiz_tui.plan.program_folders import data_home

MAX_RECENT = 8


def default_draft_path() -> Path:
    """The draft that is opened if no plan file is named."""
    return data_home() / "drafts" / "plan.toml"


@dataclass(frozen=True, slots=True)
class Recent:
    """A recent plan, and the inventory it was used with."""

    plan: Path
    inventory: Path | None = None


def load_recent() -> list[Recent]:
    """The recent plans, the latest first, without those whose file is missing or whose path is relative."""
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
    """The recent plans except one."""
    return [recent for recent in load_recent() if recent.plan != plan.absolute()]


def remembered_inventory(plan: Path) -> Path | None:
    """The inventory that was last used with a plan, or None."""
    return next((recent.inventory for recent in load_recent() if recent.plan == plan.absolute()), None)


def remember(plan: Path, inventory: Path | None) -> None:
    """Put a plan first in the list of recent plans, with absolute paths; a write error is ignored."""
    latest = Recent(plan.absolute(), inventory.absolute() if inventory is not None else None)
    entries = [latest, *recent_besides(plan)][:MAX_RECENT]
    raw = [{"plan": str(r.plan), "inventory": str(r.inventory) if r.inventory else None} for r in entries]
    try:
        replace_file(data_home() / "recent.json", json.dumps(raw, indent=1).encode())
    except OSError:
        return
