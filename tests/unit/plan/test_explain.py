"""What the findings of a plan's file say of numbers: the bounds of the key itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.schema import bounds_of
from mailwiz_tui.plan.toml import findings_of

SCHEMA = Plan.model_json_schema()


def numbers(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, int, int]]:
    """Each key that takes a number, with its bounds, as JSON Schema tells them."""
    for name, key in table.get("properties", {}).items():
        if "$ref" in key:
            yield from numbers(SCHEMA["$defs"][key["$ref"].rpartition("/")[2]], f"{prefix}{name}.")
        elif key.get("type") == "integer" and not key.keys() & {"enum", "const"}:
            yield prefix + name, key["minimum"], key["maximum"]


NUMBERS = list(numbers(SCHEMA))


def test_numbers_are_found() -> None:
    assert {"limits.message_size_mb", "backup.keep_daily", "storage.s3_after_days"} <= {
        path for path, *_ in NUMBERS
    }


@pytest.mark.parametrize(
    ("path", "least", "most"), NUMBERS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_a_number_out_of_bounds_is_answered_with_the_bounds(path: str, least: int, most: int) -> None:
    assert bounds_of(path.split(".")) == (least, most)
    for value in (least - 1, most + 1):
        raw: dict[str, Any] = {"domain": {"primary_domain": "acme.se", "hostname": "mail.acme.se"}}
        table = raw
        *parents, key = path.split(".")
        for parent in parents:
            table = table.setdefault(parent, {})
        table[key] = value
        assert f"{path}: is {value}; {least} to {most} are possible" in [f.line for f in findings_of(raw)]
