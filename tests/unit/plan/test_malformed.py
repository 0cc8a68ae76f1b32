"""Each plan in ``malformed/`` is refused with exactly the lines that its ``# expect:`` comments promise.

``{file}`` in an expectation stands for the file's path. A line fulfils an expectation when it begins with it.
"""

from pathlib import Path

import pytest

from mailwiz_tui.plan.findings import Finding, PlanError, Severity
from mailwiz_tui.plan.rules import cross_check
from mailwiz_tui.plan.toml import load_plan

FILES = sorted((Path(__file__).parent / "malformed").glob("*.toml"))


def expectations(path: Path) -> list[str]:
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    found = [line.removeprefix("# expect: ") for line in lines if line.startswith("# expect: ")]
    return [text.replace("{file}", str(path)) for text in found]


def faults(path: Path) -> list[Finding]:
    try:
        findings = cross_check(load_plan(path), base=path.parent)
    except PlanError as error:
        findings = error.findings
    return [f for f in findings if f.severity is Severity.FAULT]


def test_there_are_enough_of_them() -> None:
    assert len(FILES) >= 30


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_each_fault_is_told_in_one_clear_line(path: Path) -> None:
    before = path.read_bytes()
    wanted = expectations(path)
    lines = [f.line for f in faults(path)]

    assert wanted, "the file says what is expected of it"
    for text in wanted:
        assert any(line.startswith(text) for line in lines), f"no line begins with {text!r} in {lines}"
    assert len(lines) == len(wanted), lines
    for line in lines:
        assert line.isprintable()
        assert len(line) < 600
        assert "pydantic" not in line.lower()
    assert path.read_bytes() == before
