"""A plan that holds without a single finding, to be bent by each test."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest

from mailwiz_tui.plan.findings import Finding
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.rules import cross_check

SOUND: dict[str, Any] = {
    "servers": [{"id": "mx1", "roles": ["all-in-one"]}],
    "domain": {"primary_domain": "acme.se", "hostname": "mail.acme.se"},
    "security": {"dmarc": {"rua": "dmarc@acme.se"}},
}

Bend = Callable[..., Plan]
Lines = Callable[..., list[str]]


def _put(values: dict[str, Any], path: str, value: Any) -> None:
    *tables, key = path.split(".")
    for table in tables:
        values = values.setdefault(table, {})
    values[key] = value


@pytest.fixture
def sound() -> dict[str, Any]:
    """The values of a plan without findings."""
    return deepcopy(SOUND)


@pytest.fixture
def bend(sound: dict[str, Any]) -> Bend:
    """Makes a plan from the sound one and some other values, given as ``{"domain.hostname": …}``."""

    def make(changes: dict[str, Any] | None = None) -> Plan:
        for path, value in (changes or {}).items():
            _put(sound, path, value)
        return Plan.model_validate(sound)

    return make


@pytest.fixture
def lines(bend: Bend) -> Lines:
    """The findings of a bent plan as ``fault path: message (advice)`` lines; options go to ``cross_check``."""

    def find(changes: dict[str, Any] | None = None, **options: Any) -> list[str]:
        found: list[Finding] = cross_check(bend(changes), **options)
        return [f"{f.severity} {f.line}" for f in found]

    return find
