"""A plan in the making: answers as they are typed, saved at each change, wrong ones included.

The draft *is* the plan file. Values are kept as the operator typed them, also those that do not hold yet,
so nothing is lost by leaving the program; ``findings`` says what is wrong with them.
"""

from __future__ import annotations

import datetime
import os
from copy import deepcopy
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mailwiz_tui.plan.explain import explain, printable
from mailwiz_tui.plan.files import FileError, read_text, write_private
from mailwiz_tui.plan.findings import Finding, PlanError, Severity
from mailwiz_tui.plan.marks import Marks, marks_path_for
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.raw_values import lookup, plain, put, typed
from mailwiz_tui.plan.rules import KnownServers, cross_check
from mailwiz_tui.plan.schema import default_of
from mailwiz_tui.plan.steps import step, step_of
from mailwiz_tui.plan.suggestions import suggest
from mailwiz_tui.plan.toml import findings_of, has_comments, load_raw, save_plan


class StepState(StrEnum):
    """How a step stands.

    ``empty``: not gone through yet. ``errors``: an answer is wrong or missing. ``review``: an answer that the
    step depends on has changed since. ``done``: nothing is in the way.
    """

    EMPTY = "empty"
    ERRORS = "errors"
    REVIEW = "review"
    DONE = "done"


class Draft:
    """The answers so far, and the file they are in.

    ``inventory_ids`` and ``known`` may be set to have servers compared with the inventory and the facts.
    A file with comments is copied once to ``PLAN.toml.orig`` before it is written anew without them.
    """

    def __init__(self, path: Path, raw: dict[str, Any]) -> None:
        self.path = path
        self.inventory_ids: list[str] | None = None
        self.known: KnownServers | None = None
        self._raw = raw
        self._marks = Marks(marks_path_for(path))
        self._stamp = _stamp(path)
        self._written: tuple[int, int, int] | None = None
        self.backup: Path | None = None
        self._findings: tuple[object, list[Finding]] | None = None
        self._revision = 0
        self._considered: dict[tuple[str, str, int], list[Finding]] = {}
        self._considered_at = 0

    @classmethod
    def open(cls, path: Path) -> Draft:
        """The draft in a plan file; a new one where there is no file (it is made at the first answer).

        Raises PlanError, leaving the file as it is, where the file is no TOML, unreadable or of a newer version.
        """
        return cls(path, load_raw(path) if os.path.lexists(path) else {})

    def get(self, path: str) -> Any:
        """The answer at a key as it was typed, else the plan's default; None where there is neither."""
        value = lookup(self._raw, path)
        return deepcopy(default_of(path) if value is None else value)

    def answered(self, path: str) -> bool:
        """Whether the operator gave an answer, rather than leaving the default."""
        return lookup(self._raw, path) is not None

    def set(self, path: str, value: object) -> None:
        """Take an answer and save at once; None takes an answer back.

        Answers that others wrote into the file meanwhile are kept. Raises PlanError where the file cannot be
        written or is no plan any more; the answer is then in memory only.
        """
        answer = typed(path, plain(value))
        self._reread()
        if lookup(self._raw, path) != answer or type(lookup(self._raw, path)) is not type(answer):
            self._revision += 1
            put(self._raw, path.split("."), answer)
            self._save()
        owner = step_of(path)
        if owner is not None:
            self.confirm(owner.id)

    def confirm(self, step_id: str) -> None:
        """Note that the operator has gone through a step with the answers as they are now."""
        self._marks.confirm(step(step_id), self.get)

    def suggestion(self, path: str, today: datetime.date | None = None) -> str:
        """What would fit at a key, to be shown as a placeholder; empty where nothing follows from other answers."""
        return suggest(path, self.get, today)

    def apply_suggestions(self, step_id: str, today: datetime.date | None = None) -> list[str]:
        """Take over the suggestions for the shown questions of a step that have no answer; returns their keys.

        A question that the operator left empty on purpose stays so, unless there is no plan without an answer.
        """
        taken = []
        for field in step(step_id).fields:
            if self.answered(field.path) and (self.get(field.path) or not field.required):
                continue
            fitting = self.suggestion(field.path, today)
            if fitting and field.path not in _ONLY_SHOWN and field.is_shown(self.get):
                self.set(field.path, fitting)
                taken.append(field.path)
        return taken

    def findings(self) -> list[Finding]:
        """Everything to know about the answers: faults of single values, then of values together, then warnings."""
        key = (self._revision, tuple(self.inventory_ids or ()), self.inventory_ids is None, id(self.known))
        if self._findings is None or self._findings[0] != key:
            found = findings_of(
                self._raw, known=self.known, inventory_ids=self.inventory_ids, base=self.path.parent
            )
            self._findings = (key, found)
        return list(self._findings[1])

    def barred(self, path: str, value: object) -> str:
        """Why an answer cannot go with the others as they are now; empty where it can (or nobody can tell yet)."""
        at = [f for f in self._with(path, value, None) if f.path == path and f.severity is Severity.FAULT]
        return at[0].message if at else ""

    def unwise(self, path: str, value: object) -> str:
        """What the servers told that speaks against an answer, such as too little memory; empty where nothing."""
        if self.known is None:
            return ""
        usual = {f.message for f in self._with(path, value, None)}
        at = [f for f in self._with(path, value, self.known) if f.path == path and f.message not in usual]
        return at[0].message if at else ""

    def _with(self, path: str, value: object, known: KnownServers | None) -> list[Finding]:
        """The findings about all answers together, if the one at ``path`` were another."""
        if self._considered_at != self._revision:
            self._considered, self._considered_at = {}, self._revision
        key = (path, repr(value), id(known))
        if key not in self._considered:
            raw = self.raw()
            put(raw, path.split("."), plain(value))
            try:
                self._considered[key] = cross_check(Plan.model_validate(raw), known)
            except ValidationError:
                self._considered[key] = []
        return self._considered[key]

    def step_findings(self, step_id: str) -> list[Finding]:
        """The findings about the answers of one step."""
        return [f for f in self.findings() if step(step_id).owns_path(f.path)]

    def step_state(self, step_id: str) -> StepState:
        """How a step stands; a step without answers is ``empty`` until it was gone through."""
        spec = step(step_id)
        gone_through = self._marks.confirmed(step_id)
        if not gone_through and not any(
            lookup(self._raw, own) is not None for own in spec.owns if own != "version"
        ):
            return StepState.EMPTY
        if any(f.severity is Severity.FAULT for f in self.step_findings(step_id)):
            return StepState.ERRORS
        return StepState.REVIEW if self._marks.outdated(spec, self.get) else StepState.DONE

    def plan(self) -> Plan:
        """The plan, once all answers hold, each for itself and together; raises PlanError with every fault."""
        faults = [f for f in self.findings() if f.severity is Severity.FAULT]
        if faults:
            raise PlanError(faults)
        return self.preview()

    def preview(self) -> Plan:
        """The plan as far as each answer holds for itself, for looking at records; raises PlanError otherwise."""
        try:
            return Plan.model_validate(self._raw)
        except ValidationError as error:
            raise PlanError(explain(error)) from None

    def raw(self) -> dict[str, Any]:
        """A copy of all answers as they are in the file."""
        return deepcopy(self._raw)

    def _reread(self) -> None:
        """Take over what another program wrote into the file since."""
        stamp = _stamp(self.path)
        if stamp is not None and stamp != self._stamp:
            self._raw = load_raw(self.path)
            self._stamp = stamp
            self._revision += 1

    def _keep_comments(self) -> None:
        """Copy a file with comments aside; ``backup`` then says where it is."""
        try:
            text = read_text(self.path)
        except FileError:
            return
        if has_comments(text):
            aside = self.path.with_name(f"{self.path.name}.orig")
            try:
                write_private(aside, text.encode())
            except FileError as fault:
                raise PlanError([Finding(printable(str(aside)), fault.message, advice=fault.advice)]) from None
            self.backup = aside

    def _save(self) -> None:
        if self._stamp is not None and self._stamp != self._written:
            self._keep_comments()
        self._raw.setdefault("version", 1)
        save_plan(self._raw, self.path)
        self._stamp = self._written = _stamp(self.path)


_ONLY_SHOWN = ("security.tls.acme_email",)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_size, status.st_ino
