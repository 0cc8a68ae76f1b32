"""Stores the facts of servers beside the plan, as ``PLAN.facts.json``; it has no secrets."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.explain import printable
from mailwiz_tui.plan.files import FileError, read_text, write_private
from mailwiz_tui.plan.findings import Finding, PlanError

VERSION = 1


class FactsError(PlanError):
    """A facts file that cannot be used; it stays unchanged."""


def facts_path_for(plan_path: Path) -> Path:
    """The facts file of a plan: ``plan.facts.json`` for ``plan.toml``."""
    return plan_path.with_suffix(".facts.json")


def load_facts(path: Path) -> FactsFile:
    """The stored facts; empty if the file does not exist yet.

    Raises FactsError (its finding says what to do) if the file is broken or from a newer version.
    """
    if not path.exists():
        return FactsFile()
    try:
        raw = json.loads(read_text(path))
    except FileError as fault:
        raise _error(path, fault.message, fault.advice) from None
    except (ValueError, RecursionError) as error:
        raise _error(path, f"is not JSON: {error}", _AGAIN) from None
    version = raw.get("version", VERSION) if isinstance(raw, dict) else None
    if isinstance(version, int) and version > VERSION:
        message = f"was written by a newer mailwiz-tui (facts version {version}; this one reads {VERSION})"
        raise _error(path, message, "update mailwiz-tui; the file was not changed")
    try:
        return FactsFile.model_validate(raw)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"]) or "the file"
        raise _error(path, f"is not a file of facts: {place}: {first['msg']}", _AGAIN) from None


def save_facts(path: Path, facts: FactsFile) -> None:
    """Writes the facts atomically, mode 0600.

    An existing file that this version cannot read is renamed first. Raises FactsError.
    """
    try:
        _keep_unreadable(path)
        write_private(path, (facts.model_dump_json(indent=1) + "\n").encode())
    except FileError as fault:
        raise _error(path, fault.message, fault.advice) from None
    except OSError as error:
        raise _error(path, f"cannot be written: {error.strerror}", "the former file was not changed") from None


_AGAIN = "move the file away: the facts are read from the servers again"


def _keep_unreadable(path: Path) -> None:
    try:
        load_facts(path)
    except FactsError:
        number = 1
        while (kept := path.with_name(f"{path.name}.unreadable-{number}")).exists():
            number += 1
        path.rename(kept)


def _error(path: Path, message: str, advice: str) -> FactsError:
    return FactsError([Finding(printable(str(path)), printable(message, 300), advice=advice)])
