"""The agent's state between runs: digests of what it wrote, ran and started (``state.json``, 0600).

A digest is recorded only after its work succeeded, so whatever was interrupted is done again.
"""

from __future__ import annotations

import json
import os
from typing import Any

from .files import write
from .host import STATE, Host

_PARTS = ("files", "commands", "units", "validated")


class State:
    """The agent's memory on one server; ``save`` after each success."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._data: dict[str, Any] = {part: {} for part in _PARTS}
        try:
            with open(host.state("state.json"), encoding="utf-8") as handle:
                stored = json.load(handle)
        except (OSError, ValueError):
            stored = {}
        if isinstance(stored, dict):
            for key, value in stored.items():
                if key not in _PARTS or isinstance(value, dict):
                    self._data[key] = value

    def file(self, path: str) -> str:
        """The digest of a file as we last wrote it; empty where we never did."""
        return str(self._data["files"].get(path, ""))

    def command(self, key: str) -> str:
        """The digest of a command's inputs when it last succeeded."""
        return str(self._data["commands"].get(key, ""))

    def unit(self, name: str) -> dict[str, str] | None:
        """Digests of what a unit reads, by path, as of its last start or reload made here."""
        found = self._data["units"].get(name)
        return found if isinstance(found, dict) else None

    def validated(self, step: str) -> str:
        """The digest of a step's files when its validators last passed."""
        return str(self._data["validated"].get(step, ""))

    @property
    def installed_digest(self) -> str:
        """The digest of the last blueprint that was carried out whole."""
        return str(self._data.get("installed_digest", ""))

    def record(self, part: str, key: str, value: Any) -> None:
        """Remembers one thing and saves."""
        if part == "installed_digest":
            changed = self._data.get(part) != value
            self._data[part] = value
        else:
            changed = self._data[part].get(key) != value
            self._data[part][key] = value
        if changed:
            self.save()

    def names(self, part: str) -> list[str]:
        """The keys of a part, in order."""
        return sorted(self._data[part])

    def keep_only(self, **parts: set[str]) -> None:
        """Forgets in each part named everything but the keys given, and saves."""
        before = {part: len(self._data[part]) for part in parts}
        for part, kept in parts.items():
            self._data[part] = {key: value for key, value in self._data[part].items() if key in kept}
        if any(len(self._data[part]) != count for part, count in before.items()):
            self.save()

    def forget(self, part: str, key: str) -> None:
        """Forgets one thing and saves."""
        if self._data[part].pop(key, None) is not None:
            self.save()

    def save(self) -> None:
        """Writes the memory atomically."""
        os.makedirs(self._host.state_dir, mode=0o700, exist_ok=True)
        text = json.dumps(self._data, indent=1, sort_keys=True) + "\n"
        write(self._host, STATE + "/state.json", text.encode(), 0o600)
