"""An unfinished plan: answers as they are typed, saved at each change, invalid ones included.

The draft *is* the plan file. Values are kept as the operator typed them, also those that are not valid yet, so
nothing is lost by leaving the program; ``findings`` has their faults.
"""

from __future__ import annotations

import datetime
import os
from collections.abc import Mapping
from copy import deepcopy
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mailwiz_tui.plan.consideration import Consideration
from mailwiz_tui.plan.explain import explain
from mailwiz_tui.plan.findings import Finding, PlanError, Severity
from mailwiz_tui.plan.merge import Difference, differences, merge
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.plan_file import PlanFile
from mailwiz_tui.plan.raw_values import lookup, plain, put, same, typed
from mailwiz_tui.plan.rules import KnownServers
from mailwiz_tui.plan.schema import default_of
from mailwiz_tui.plan.steps import step, step_of
from mailwiz_tui.plan.suggestions import Proposals, suggest
from mailwiz_tui.plan.toml import findings_of, load_raw
from mailwiz_tui.plan.visited_steps import VisitedSteps, visited_path_for


class StepState(StrEnum):
    """The state of a step.

    ``empty``: not visited yet. ``errors``: an answer is invalid or missing. ``review``: an answer that the step
    depends on has changed since the visit. ``done``: complete.
    """

    EMPTY = "empty"
    ERRORS = "errors"
    REVIEW = "review"
    DONE = "done"


class Draft:
    """The answers so far, and their file.

    With ``inventory_ids`` and ``known`` servers are compared with the inventory and the facts. With ``installed``
    the servers have been set up already, and nothing is proposed. ``saves`` counts how often the file was written.
    """

    def __init__(self, path: Path, raw: dict[str, Any]) -> None:
        self.inventory_ids: list[str] | None = None
        self.known: KnownServers | None = None
        self.installed = False
        self.saves = 0
        self._raw = raw
        self._file = PlanFile(path)
        self._base = deepcopy(raw)
        self._visited = VisitedSteps(visited_path_for(path))
        self._proposals = Proposals()
        self._outside: list[Difference] = []
        self._conflicts: list[Difference] = []
        self._findings: tuple[object, list[Finding]] | None = None
        self._revision = 0
        self._consideration = Consideration(self._shown)
        self._considered_at = 0
        self._ready_made = bool(raw) and not self._visited.any and not _faults(self.findings())

    @classmethod
    def open(cls, path: Path) -> Draft:
        """The draft in a plan file; a new one if there is no file (the first answer creates it).

        Raises PlanError, without any change, if the file is not TOML, unreadable or of a newer version.
        """
        return cls(path, load_raw(path) if os.path.lexists(path) else {})

    @property
    def path(self) -> Path:
        """The plan file."""
        return self._file.path

    @property
    def backup(self) -> Path | None:
        """The copy of the file, if its comments could not be kept."""
        return self._file.backup

    @property
    def unsaved(self) -> bool:
        """Whether an answer is in memory only, because the file could not be written."""
        return not same(self._raw, self._base)

    @property
    def gone(self) -> bool:
        """Whether another program removed the file; the next answer writes it again."""
        return self._file.gone

    def get(self, path: str) -> Any:
        """The answer at a key as it was typed, else the proposal, else the default, else None."""
        value = self._proposals.get(path) if lookup(self._raw, path) is None else None
        return self._settled(path) if value is None else deepcopy(value)

    def _settled(self, path: str) -> Any:
        """The answer at a key, else the plan's default."""
        value = lookup(self._raw, path)
        return deepcopy(default_of(path) if value is None else value)

    def answered(self, path: str) -> bool:
        """Whether the operator gave an answer, rather than leaving the default."""
        return lookup(self._raw, path) is not None

    def set(self, path: str, value: object) -> None:
        """Set an answer and save at once; None removes it. Other proposals of the step are accepted too.

        Answers that other programs wrote into the file meanwhile are kept. Raises PlanError if the file cannot be
        written or is not a plan any more; the answer is then in memory only.
        """
        mine = deepcopy(self._raw)
        if not same(lookup(mine, path), answer := typed(path, plain(value))):
            put(mine, path.split("."), answer)
        owner = step_of(path)
        self._take(mine, self._proposals.beside(owner.id if owner else ""))
        if owner is not None:
            self.confirm(owner.id)

    def propose(self, step_id: str, further: Mapping[str, Any] | None = None) -> None:
        """Show proposals in a step that is visited for the first time, without writing anything.

        ``further`` are further proposals of the caller. ``set`` and ``accept`` save them with the step's first
        answer, ``withdraw`` forgets them. In a plan that was complete when it was opened, or that is installed, a
        missing answer means the default: nothing is proposed for it.
        """
        self.withdraw()
        if self.installed or self._ready_made or self.step_state(step_id) is not StepState.EMPTY:
            return
        fitting = {path: value for path, value in (further or {}).items() if not self.answered(path)}
        self._proposals = Proposals(step_id, fitting)
        for field in step(step_id).fields:
            suggestion = self.suggestion(field.path) if field.path not in _ONLY_SHOWN else ""
            if suggestion and not self.answered(field.path) and field.is_shown(self.get):
                fitting[field.path] = suggestion
        self._revision += 1

    def withdraw(self) -> None:
        """Propose nothing any more."""
        if self._proposals:
            self._proposals = Proposals()
            self._revision += 1

    def accept(self, step_id: str) -> None:
        """Save the proposals of a step; raises PlanError like ``set``."""
        if proposed := self._proposals.beside(step_id):
            self._take(deepcopy(self._raw), proposed)

    def _take(self, mine: dict[str, Any], proposed: Mapping[str, Any]) -> None:
        """Save answers together with changes of other programs; if that fails they are kept in memory."""
        for path, value in proposed.items():
            if lookup(mine, path) is None:
                put(mine, path.split("."), typed(path, plain(value)))
        if proposed:
            self.withdraw()
        if not same(mine, self._raw):
            self._raw = mine
            self._revision += 1
        self.refresh()
        if self.unsaved:
            self.save()

    def save(self) -> None:
        """Save answers that are in memory only; raises PlanError if that fails again."""
        values = self._to_save()
        self._file.write(values)
        self.saves += 1
        self._raw, self._base = values, deepcopy(values)

    def save_elsewhere(self, path: Path) -> None:
        """Use another file for the draft from now on; after PlanError nothing is changed."""
        elsewhere = PlanFile(path)
        values = self._to_save()
        elsewhere.write(values)
        self.saves += 1
        self._file, self._raw, self._base = elsewhere, values, deepcopy(values)
        self._visited = self._visited.copied_to(visited_path_for(path))

    def _to_save(self) -> dict[str, Any]:
        """The answers; a new file begins with the version of its format."""
        return deepcopy(self._raw) if self._base else {"version": 1, **deepcopy(self._raw)}

    def refresh(self) -> bool:
        """Read changes of other programs in the file; True if they changed an answer.

        ``take_outside`` and ``take_conflicts`` then return them. Raises PlanError if the file is not a plan any
        more.
        """
        if not self._file.changed:
            return False
        theirs = self._file.read()
        merged, conflicts = merge(self._base, self._raw, theirs)
        news = differences(self._raw, merged)
        self._base, self._raw = deepcopy(theirs), deepcopy(merged)
        self._outside += news
        self._conflicts += conflicts
        self._revision += 1
        return bool(news or conflicts)

    def take_outside(self) -> list[Difference]:
        """The changes of other programs in the file since the last call."""
        told, self._outside = self._outside, []
        return told

    def take_conflicts(self) -> list[Difference]:
        """The keys with different values here and in the file since the last call; the value here was kept."""
        told, self._conflicts = self._conflicts, []
        return told

    def confirm(self, step_id: str) -> None:
        """Store that the operator has visited a step with the present answers."""
        self._visited.confirm(step(step_id), self._settled)

    def suggestion(self, path: str, today: datetime.date | None = None) -> str:
        """The proposal for a key, to be shown as a placeholder; empty if none follows from other answers."""
        return suggest(path, self.get, today)

    def findings(self) -> list[Finding]:
        """All findings about the answers: faults of single values, then of values together, then warnings."""
        key = (self._revision, tuple(self.inventory_ids or ()), self.inventory_ids is None, id(self.known))
        if self._findings is None or self._findings[0] != key:
            found = findings_of(
                self._shown(), known=self.known, inventory_ids=self.inventory_ids, base=self.path.parent
            )
            self._findings = (key, found)
        return list(self._findings[1])

    def forbidden_reason(self, path: str, value: object) -> str:
        """Why an answer contradicts the present ones; empty if it does not (or that is not known yet)."""
        return self._considered().forbidden_reason(path, value)

    def discouraged_reason(self, path: str, value: object) -> str:
        """The facts of servers against an answer, such as too little memory; empty if there are none."""
        return self._considered().discouraged_reason(path, value, self.known)

    def _considered(self) -> Consideration:
        if self._considered_at != self._revision:
            self._consideration.forget()
            self._considered_at = self._revision
        return self._consideration

    def step_findings(self, step_id: str) -> list[Finding]:
        """The findings about the answers of one step."""
        return [f for f in self.findings() if step(step_id).owns_path(f.path)]

    def step_state(self, step_id: str) -> StepState:
        """The state of a step; a step without answers is ``empty`` until it was visited."""
        spec = step(step_id)
        gone_through = self._visited.confirmed(step_id)
        if not gone_through and not any(
            lookup(self._raw, own) is not None for own in spec.owns if own != "version"
        ):
            return StepState.EMPTY
        if any(f.severity is Severity.FAULT for f in self.step_findings(step_id)):
            return StepState.ERRORS
        return StepState.REVIEW if self._visited.outdated(spec, self._settled) else StepState.DONE

    def plan(self) -> Plan:
        """The plan, if all answers are valid, alone and together; raises PlanError with every fault."""
        if faults := _faults(self.findings()):
            raise PlanError(faults)
        return self.preview()

    def preview(self) -> Plan:
        """The plan if each answer is valid alone, for showing records; raises PlanError otherwise."""
        try:
            return Plan.model_validate(self._shown())
        except ValidationError as error:
            raise PlanError(explain(error)) from None

    def raw(self) -> dict[str, Any]:
        """A copy of all answers in the file, and of the proposals."""
        return self._shown()

    def _shown(self) -> dict[str, Any]:
        """The answers with the proposals."""
        shown = deepcopy(self._raw)
        for path, value in self._proposals.values.items():
            if lookup(shown, path) is None:
                put(shown, path.split("."), plain(value))
        return shown


_ONLY_SHOWN = ("security.tls.acme_email",)


def _faults(findings: list[Finding]) -> list[Finding]:
    return [f for f in findings if f.severity is Severity.FAULT]
