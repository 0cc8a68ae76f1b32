"""What the rules would say if one answer were another: why a choice is shown as impossible, or advised against."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.raw_values import plain, put
from mailwiz_tui.plan.rules import KnownServers, cross_check


class Consideration:
    """Considers answers that nobody has given yet; ``answers`` makes a copy of all that are given.

    A form asks about each of its choices whenever it is drawn, so what was found is kept until ``forget``.
    """

    def __init__(self, answers: Callable[[], dict[str, Any]]) -> None:
        self._answers = answers
        self._found: dict[tuple[str, str, int], list[Finding]] = {}

    def forget(self) -> None:
        """An answer changed."""
        self._found = {}

    def forbidden_reason(self, path: str, value: object) -> str:
        """Why an answer cannot go with the others as they are now; empty where it can (or nobody can tell yet)."""
        at = [f for f in self._with(path, value, None) if f.path == path and f.severity is Severity.FAULT]
        return at[0].message if at else ""

    def discouraged_reason(self, path: str, value: object, known: KnownServers | None) -> str:
        """What the servers told that speaks against an answer, such as too little memory; empty where nothing."""
        if known is None:
            return ""
        usual = {f.message for f in self._with(path, value, None)}
        at = [f for f in self._with(path, value, known) if f.path == path and f.message not in usual]
        return at[0].message if at else ""

    def _with(self, path: str, value: object, known: KnownServers | None) -> list[Finding]:
        """The findings about all answers together, if the one at ``path`` were another."""
        key = (path, repr(value), id(known))
        if key not in self._found:
            raw = self._answers()
            put(raw, path.split("."), plain(value))
            try:
                self._found[key] = cross_check(Plan.model_validate(raw), known)
            except ValidationError:
                self._found[key] = []
        return self._found[key]
