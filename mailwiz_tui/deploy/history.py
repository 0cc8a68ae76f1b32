"""How long each step took on earlier installations: kept on this machine, for estimates."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from pathlib import Path

_KEEP = 7


def state_home() -> Path:
    """Where this program keeps such things: ``$XDG_STATE_HOME/mailwiz-tui`` (XDG Base Directory specification)."""
    base = os.environ.get("XDG_STATE_HOME", "")
    return Path(base if base.startswith("/") else Path.home() / ".local" / "state") / "mailwiz-tui"


class History:
    """Durations in seconds by step; the file may be lost or unreadable at any time."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or state_home() / "durations.json"
        self._seconds: dict[str, list[float]] = {}
        with contextlib.suppress(OSError, ValueError, TypeError):
            stored = json.loads(self._path.read_text(encoding="utf-8"))
            self._seconds = {str(step): [float(s) for s in values] for step, values in stored.items()}

    def span(self, step_id: str) -> tuple[float, float] | None:
        """The shortest and the longest of earlier durations, or None where there is none."""
        seconds = self._seconds.get(step_id)
        return (min(seconds), max(seconds)) if seconds else None

    def record(self, step_id: str, seconds: float) -> None:
        """Adds a duration."""
        self._seconds[step_id] = [*self._seconds.get(step_id, []), round(seconds, 2)][-_KEEP:]

    def save(self) -> None:
        """Writes the file; where that is not possible, estimates are simply not kept."""
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=".durations-")
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                json.dump(self._seconds, file)
            os.replace(name, self._path)
