"""How long each step took in earlier installations, stored on this machine for estimates."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path

from mailwiz_tui.plan.files import replace_file
from mailwiz_tui.plan.program_folders import state_home

_KEEP = 7


class History:
    """Durations in seconds by step; the file may be missing or unreadable."""

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
        """Writes the file; without a writable folder no estimates are stored."""
        with contextlib.suppress(OSError):
            replace_file(self._path, json.dumps(self._seconds).encode())
