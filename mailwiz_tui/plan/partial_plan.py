"""A plan without its invalid values, so that the other rules can be applied too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from mailwiz_tui.plan.explain import printable
from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.model import Plan

_ROUNDS = 6
_SPEAK_OF_DOMAINS = ("domain", "security.dmarc", "security.spf", "security.tls", "network")


@dataclass(frozen=True, slots=True)
class PartialPlan:
    """A plan from the valid values.

    ``left_out`` are the paths whose values fell back to defaults, ``stood_in`` those of required names that
    were replaced by names nobody has. ``given`` has what the operator gave for each of these names, or nothing.
    """

    plan: Plan
    left_out: tuple[str, ...]
    stood_in: tuple[str, ...]
    given: Mapping[str, str]

    def findings(self, found: Iterable[Finding]) -> list[Finding]:
        """The findings about values that the operator gave, with the names as they were given."""
        named = [self._as_given(finding) for finding in found if self._concerns(finding)]
        return [finding for finding in named if finding is not None]

    def _as_given(self, finding: Finding) -> Finding | None:
        """The finding with no stand-in for a name, or None if it is about a name that was not given."""
        message, advice = finding.message, finding.advice
        for stand_in in sorted(self.given, key=len, reverse=True):
            if stand_in in message + advice and not self.given[stand_in]:
                return None
            message, advice = (text.replace(stand_in, self.given[stand_in]) for text in (message, advice))
        return replace(finding, message=message, advice=advice)

    def _concerns(self, finding: Finding) -> bool:
        """Whether a finding is about a value that the operator gave, not about a default or a stand-in."""
        path = finding.path
        if any(_within(path, out) or _within(out, path) for out in self.left_out):
            return False
        if any(_within(path, name) for name in self.stood_in):
            return False
        unsure = any(name.startswith("domain.") for name in self.stood_in) and finding.severity is Severity.WARNING
        return not (unsure and any(_within(path, table) for table in _SPEAK_OF_DOMAINS))


def partial_plan(raw: Mapping[str, Any]) -> PartialPlan | None:
    """The plan without its invalid values, or None if nothing usable remains. ``raw`` is changed."""
    values = dict(raw)
    left_out: list[str] = []
    stood_in: list[str] = []
    given: dict[str, str] = {}
    for _ in range(_ROUNDS):
        try:
            return PartialPlan(Plan.model_validate(values), tuple(left_out), tuple(stood_in), given)
        except ValidationError as error:
            errors = sorted(error.errors(), key=lambda e: [str(p).zfill(6) for p in e["loc"]], reverse=True)
            for details in errors:
                _mend(values, details, left_out, stood_in, given)
    return None


def _mend(
    values: dict[str, Any], details: ErrorDetails, left_out: list[str], stood_in: list[str], given: dict[str, str]
) -> None:
    """Put a stand-in where a required name is missing or wrong, else take the value out."""
    location = details["loc"]
    path = ".".join(str(part) for part in location)
    parent: Any = values
    for part in location[:-1]:
        try:
            parent = parent[part]
        except (KeyError, IndexError, TypeError):
            return
    last = location[-1]
    stand_in = _stand_in(location)
    if stand_in and isinstance(parent, dict):
        given[stand_in] = printable(str(parent.get(str(last), "")))
        parent[str(last)] = stand_in
        stood_in.append(path)
    elif isinstance(parent, dict):
        parent.pop(str(last), None)
        left_out.append(path)
        if location == ("domain",):
            values["domain"] = {}
    elif isinstance(parent, list) and isinstance(last, int) and last < len(parent):
        del parent[last]
        left_out.append(path.rpartition(".")[0])


def _stand_in(location: tuple[str | int, ...]) -> str:
    """A stand-in for a required name, which no operator has."""
    match location:
        case ("domain", "primary_domain"):
            return "missing.invalid"
        case ("domain", "hostname"):
            return "mail.missing.invalid"
        case ("domain", "additional_domains", int(index), "name"):
            return f"missing-{index}.invalid"
        case ("servers", int(index), "id"):
            return f"missing-{index}"
    return ""


def _within(path: str, outer: str) -> bool:
    return path == outer or path.startswith(outer + ".")
