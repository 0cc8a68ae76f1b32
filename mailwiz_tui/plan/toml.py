"""The plan file: read with all faults, written atomically.

A file that cannot be used stays unchanged. Paths in findings are keys of the file; faults of the file
itself have the file's name instead. TOML 1.0, UTF-8.
"""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from mailwiz_tui.plan.explain import explain, printable, quoted
from mailwiz_tui.plan.files import FileError, read_text, write_private
from mailwiz_tui.plan.findings import Finding, PlanError, Severity
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.partial_plan import partial_plan
from mailwiz_tui.plan.rules import KnownServers, cross_check

VERSION = 1
HEADER = "# A plan of mailwiz-tui: every decision, and no secret. `mailwiz-tui check` finds its faults.\n\n"
_POSITION = re.compile(r" \(at (?:line (\d+), column (\d+)|end of document)\)$")

_LIKE_A_SECRET = re.compile(r"pass|secret|token|PRIVATE KEY", re.IGNORECASE)


def load_plan(path: Path) -> Plan:
    """Read a plan file.

    Raises PlanError with all faults: if single values are invalid, the rules between values are applied to the
    rest. A plan that loads still has to pass ``rules.cross_check``.
    """
    raw = load_raw(path)
    try:
        return Plan.model_validate(_with_tables(raw))
    except ValidationError:
        raise PlanError([f for f in findings_of(raw) if f.severity is Severity.FAULT]) from None


def load_raw(path: Path) -> dict[str, Any]:
    """The keys and values of a plan file as they are written, not yet checked.

    Raises PlanError if the file cannot be read, is not TOML, or was written by a newer version.
    """
    try:
        text = read_text(path)
    except FileError as fault:
        raise PlanError([Finding(printable(str(path)), fault.message, advice=fault.advice)]) from None
    raw = parse(text, printable(str(path)))
    _check_version(raw)
    return raw


def parse(text: str, name: str) -> dict[str, Any]:
    """TOML text as a dictionary; raises PlanError with the line and column of a syntax error."""
    try:
        return tomllib.loads(text)
    except RecursionError:
        raise PlanError([Finding(name, "is nested too deeply to be a plan")]) from None
    except ValueError as error:
        raise PlanError([_syntax_finding(str(error), text, name)]) from None


def findings_of(
    raw: Mapping[str, Any],
    *,
    known: KnownServers | None = None,
    inventory_ids: list[str] | None = None,
    base: Path | None = None,
) -> list[Finding]:
    """All findings about a plan's raw values: faults of single values, then of values together.

    If single values are invalid, the rules between values are applied to the rest.
    """
    try:
        plan = Plan.model_validate(_with_tables(raw))
    except ValidationError as error:
        findings = explain(error)
        rest = partial_plan(_with_tables(raw))
        if rest is not None:
            told = {f.path for f in findings}
            crossed = cross_check(rest.plan, known, inventory_ids=inventory_ids, base=base)
            findings += rest.findings(f for f in crossed if f.path not in told)
        return findings
    return cross_check(plan, known, inventory_ids=inventory_ids, base=base)


def save_plan(plan: Plan | Mapping[str, Any], path: Path) -> None:
    """Write a plan atomically, mode 0600; after PlanError the former file is kept.

    An existing file keeps its comments and its layout: only the differing keys are changed.
    """
    raw = plan.model_dump(mode="json") if isinstance(plan, Plan) else plan
    write_plan(plan_text(raw, _text_or_nothing(path)), path)


def write_plan(text: str, path: Path) -> None:
    """Write the text of a plan file atomically, mode 0600; after PlanError the former file is kept."""
    try:
        write_private(path, text.encode("utf-8", "replace"))
    except FileError as fault:
        raise PlanError([Finding(printable(str(path)), fault.message, advice=fault.advice)]) from None


def plan_text(raw: Mapping[str, Any], former: str = "") -> str:
    """The text of a plan file: the former one with the differing keys changed in place, else a new one."""
    from mailwiz_tui.plan.document import UnchangeableError, changed_text

    if former.strip():
        try:
            return changed_text(former, raw)
        except UnchangeableError:
            return dumps(raw)
    return dumps(raw)


def dumps(raw: Mapping[str, Any]) -> str:
    """A new plan file: a header, then the keys in the order of the models."""
    from mailwiz_tui.plan.document import new_text

    return HEADER + new_text(raw)


def loses_comments(former: str, text: str) -> bool:
    """Whether a rewritten file has fewer comments than before."""
    from mailwiz_tui.plan.document import comments_of

    lost = Counter(comments_of(former))
    lost.subtract(comments_of(text))
    del lost[HEADER.strip()]
    return any(count > 0 for count in lost.values())


def _text_or_nothing(path: Path) -> str:
    try:
        return read_text(path)
    except FileError:
        return ""


def _with_tables(raw: Mapping[str, Any]) -> dict[str, Any]:
    """The values with an empty ``[domain]`` added, so that its missing keys are named one by one."""
    return {"domain": {}, **deepcopy(dict(raw))}


def _check_version(raw: Mapping[str, Any]) -> None:
    version = raw.get("version", VERSION)
    if isinstance(version, bool) or not isinstance(version, int):
        message = f"must be the whole number {VERSION}, not {quoted(version)}"
        raise PlanError([Finding("version", message)])
    if version > VERSION:
        message = f"this plan was written by a newer mailwiz-tui (plan version {version}; this one reads {VERSION})"
        raise PlanError([Finding("version", message, advice="update mailwiz-tui; the file was not changed")])
    if version < VERSION:
        raise PlanError([Finding("version", f"there is no plan version {version}; write version = {VERSION}")])


def _syntax_finding(reason: str, text: str, name: str) -> Finding:
    found = _POSITION.search(reason)
    words = printable(reason[: found.start()] if found else reason).rstrip(".")
    words = words[:1].lower() + words[1:]
    if not found:
        return Finding(name, f"is not TOML: {words}")
    if found[1] is None:
        return Finding(
            name,
            f"is not TOML: {words}, at the end of the file",
            advice="is a quote or bracket missing?",
        )
    number = int(found[1])
    line = text.split("\n")[number - 1].strip()
    shown = line and not _LIKE_A_SECRET.search(line)
    advice = f"the line is: {printable(line, 80)}" if shown else ""
    return Finding(name, f"line {number}, column {found[2]}: is not TOML: {words}", advice=advice)
