"""The findings of the rules for an answer that is not given yet: why a choice is impossible or not advised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import ValidationError

from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.raw_values import plain, put
from mailwiz_tui.plan.rules import KnownServers, cross_check


class Consideration:
    """Evaluates possible answers; ``answers`` makes a copy of all that are given.

    A form asks about each of its choices whenever it is drawn, so results are kept until ``forget``.
    """

    def __init__(self, answers: Callable[[], dict[str, Any]]) -> None:
        self._answers = answers
        self._found: dict[tuple[str, str, int], list[Finding]] = {}

    def forget(self) -> None:
        """An answer changed."""
        self._found = {}

    def forbidden_reason(self, path: str, value: object) -> str:
        """Why an answer contradicts the present ones; empty if it does not (or that is not known yet)."""
        at = [f for f in self._with(path, value, None) if f.path == path and f.severity is Severity.FAULT]
        return at[0].message if at else ""

    def discouraged_reason(self, path: str, value: object, known: KnownServers | None) -> str:
        """The facts of servers against an answer, such as too little memory; empty if there are none."""
        if known is None:
            return ""
        usual = {f.message for f in self._with(path, value, None)}
        at = [f for f in self._with(path, value, known) if f.path == path and f.message not in usual]
        return at[0].message if at else ""

    def _with(self, path: str, value: object, known: KnownServers | None) -> list[Finding]:
        """The findings about all answers together, with another one at ``path``."""
        key = (path, repr(value), id(known))
        if key not in self._found:
            raw = self._answers()
            put(raw, path.split("."), plain(value))
            try:
                self._found[key] = cross_check(Plan.model_validate(raw), known)
            except ValidationError:
                self._found[key] = []
        return self._found[key]
