"""The agent's state between runs: digests of what it wrote, ran and started (``state.json``, 0600).

A digest is recorded only after its work succeeded, so whatever was interrupted is done again. The file is read
leniently: of what another version wrote, what has another form counts as never done, and what is not known is kept.
"""

from __future__ import annotations

import json
import os
from typing import Literal

from .files import write
from .host import STATE, Host

TextPart = Literal["files", "commands", "validated"]
Part = TextPart | Literal["units"]
Digests = dict[str, str]
_INSTALLED = "installed_digest"


class State:
    """The agent's memory on one server; ``save`` after each success."""

    def __init__(self, host: Host) -> None:
        self._host = host
        try:
            with open(host.state("state.json"), encoding="utf-8") as handle:
                stored = json.load(handle)
        except (OSError, ValueError):
            stored = {}
        self._rest: dict[str, object] = dict(stored) if isinstance(stored, dict) else {}
        self._files = _digests(self._rest.pop("files", None))
        self._commands = _digests(self._rest.pop("commands", None))
        self._validated = _digests(self._rest.pop("validated", None))
        units = self._rest.pop("units", None)
        self._units = {
            str(name): _digests(inputs)
            for name, inputs in (units.items() if isinstance(units, dict) else ())
            if isinstance(inputs, dict)
        }
        self._installed = str(self._rest.pop(_INSTALLED, None) or "")

    def file(self, path: str) -> str:
        """The digest of a file as we last wrote it; empty where we never did."""
        return self._files.get(path, "")

    def command(self, key: str) -> str:
        """The digest of a command's inputs when it last succeeded."""
        return self._commands.get(key, "")

    def unit(self, name: str) -> Digests | None:
        """Digests of what a unit reads, by path, as of its last start or reload made here."""
        return self._units.get(name)

    def validated(self, step: str) -> str:
        """The digest of a step's files when its validators last passed."""
        return self._validated.get(step, "")

    @property
    def installed_digest(self) -> str:
        """The digest of the last blueprint that was carried out whole."""
        return self._installed

    def record(self, part: TextPart, key: str, value: str) -> None:
        """Remembers one thing and saves."""
        kept = self._texts(part)
        if kept.get(key) != value:
            kept[key] = value
            self.save()

    def record_unit(self, name: str, inputs: Digests) -> None:
        """Remembers what a unit has read and saves."""
        if self._units.get(name) != inputs:
            self._units[name] = inputs
            self.save()

    def record_installed(self, value: str) -> None:
        """Remembers that a blueprint was carried out whole and saves."""
        if self._installed != value:
            self._installed = value
            self.save()

    def names(self, part: Part) -> list[str]:
        """The keys of a part, in order."""
        return sorted(self._part(part))

    def keep_only(self, *, files: set[str], units: set[str], commands: set[str], validated: set[str]) -> None:
        """Forgets in each part everything but the keys given, and saves."""
        wanted: dict[Part, set[str]] = {
            "files": files, "units": units, "commands": commands, "validated": validated,
        }  # fmt: skip
        gone = [(part, key) for part, kept in wanted.items() for key in self._part(part) if key not in kept]
        for part, key in gone:
            del self._part(part)[key]
        if gone:
            self.save()

    def forget(self, part: Part, key: str) -> None:
        """Forgets one thing and saves."""
        if self._part(part).pop(key, None) is not None:
            self.save()

    def save(self) -> None:
        """Writes the memory atomically."""
        os.makedirs(self._host.state_dir, mode=0o700, exist_ok=True)
        parts = {
            "files": self._files, "commands": self._commands, "units": self._units, "validated": self._validated,
        }  # fmt: skip
        installed = {_INSTALLED: self._installed} if self._installed else {}
        text = json.dumps({**self._rest, **parts, **installed}, indent=1, sort_keys=True) + "\n"
        write(self._host, STATE + "/state.json", text.encode(), 0o600)

    def _part(self, part: Part) -> Digests | dict[str, Digests]:
        return self._units if part == "units" else self._texts(part)

    def _texts(self, part: TextPart) -> Digests:
        return {"files": self._files, "commands": self._commands, "validated": self._validated}[part]


def _digests(stored: object) -> Digests:
    """A part as it was stored; entries of another form are left out."""
    entries = stored.items() if isinstance(stored, dict) else ()
    return {str(key): value for key, value in entries if isinstance(value, str)}
