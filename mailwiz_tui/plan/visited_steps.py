"""The steps that the operator has visited, with the answers at that time.

Stored beside the plan in ``PLAN.steps.json``: for each visited step a digest of the answers that it depends on.
When these change, the step needs another visit, unless they change back. Without the file only the visits are
lost.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mailwiz_tui.plan.files import FileError, read_text, write_private
from mailwiz_tui.plan.steps import STEPS, StepSpec


def visited_path_for(plan_path: Path) -> Path:
    """The file of the visited steps of a plan."""
    return plan_path.with_suffix(".steps.json")


class VisitedSteps:
    """The visited steps, by id, each with the digest of its answers at that time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._digests = _read(path)

    @property
    def any(self) -> bool:
        """Whether the operator has visited any step."""
        return bool(self._digests)

    def copied_to(self, path: Path) -> VisitedSteps:
        """The same steps, stored at another path from the next one on."""
        copy = VisitedSteps(path)
        copy._digests = dict(self._digests)
        return copy

    def confirmed(self, step_id: str) -> bool:
        """Whether the operator has visited a step."""
        return step_id in self._digests

    def outdated(self, spec: StepSpec, get: Callable[[str], Any]) -> bool:
        """Whether answers that a step depends on have changed since the visit."""
        return self.confirmed(spec.id) and self._digests[spec.id] != _digest(spec, get)

    def confirm(self, spec: StepSpec, get: Callable[[str], Any]) -> None:
        """Store the visit of a step with the present answers."""
        digest = _digest(spec, get)
        if self._digests.get(spec.id) == digest:
            return
        self._digests[spec.id] = digest
        text = json.dumps({"version": 1, "confirmed": self._digests}, indent=1)
        try:
            write_private(self.path, text.encode())
        except FileError:
            return  # the plan itself is in another file; without this one a step is only "not yet" again


def _digest(spec: StepSpec, get: Callable[[str], Any]) -> str:
    answers = [[path, get(path)] for path in sorted(spec.depends_on)]
    text = json.dumps(answers, sort_keys=True, default=str)
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()


def _read(path: Path) -> dict[str, str]:
    try:
        confirmed = json.loads(read_text(path))["confirmed"]
        known = {spec.id for spec in STEPS}
        return {str(key): str(value) for key, value in confirmed.items() if key in known}
    except (FileError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
