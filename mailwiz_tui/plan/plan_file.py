"""The file of a draft: notices changes of other programs, and never loses comments."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mailwiz_tui.plan.explain import printable
from mailwiz_tui.plan.files import FileError, read_text, write_private
from mailwiz_tui.plan.findings import Finding, PlanError
from mailwiz_tui.plan.toml import load_raw, loses_comments, plan_text, write_plan


class PlanFile:
    """A plan file and its content when it was last read or written.

    A file whose comments cannot be kept is copied to ``PLAN.toml.orig`` before it is written; ``backup`` is then
    the path of the copy.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.backup: Path | None = None
        self._stamp = _stamp(path)
        self._written: tuple[int, int, int] | None = None

    def read(self) -> dict[str, Any]:
        """The values in the file, none without a file; raises PlanError."""
        stamp = _stamp(self.path)
        values = load_raw(self.path) if os.path.lexists(self.path) else {}
        self._stamp = stamp
        return values

    @property
    def changed(self) -> bool:
        """Whether another program wrote the file since; one that was removed counts as unchanged."""
        stamp = _stamp(self.path)
        return stamp is not None and stamp != self._stamp

    @property
    def gone(self) -> bool:
        """Whether the file existed and was removed."""
        return self._stamp is not None and _stamp(self.path) is None

    def write(self, values: Mapping[str, Any]) -> None:
        """Save the values atomically; after PlanError the former file is kept."""
        try:
            former = read_text(self.path)
        except FileError:
            former = ""
        text = plan_text(values, former)
        if self._stamp != self._written and loses_comments(former, text):
            self._put_aside(former)
        write_plan(text, self.path)
        self._stamp = self._written = _stamp(self.path)

    def _put_aside(self, text: str) -> None:
        aside = self.path.with_name(f"{self.path.name}.orig")
        try:
            write_private(aside, text.encode())
        except FileError as fault:
            raise PlanError([Finding(printable(str(aside)), fault.message, advice=fault.advice)]) from None
        self.backup = aside


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
