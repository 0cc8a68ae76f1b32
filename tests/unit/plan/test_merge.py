"""Three-way merge: nothing of either side is lost, and what cannot be both is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwiz_tui.plan.merge import differences, merge, words
from mailwiz_tui.plan.raw_values import same

KEYS = st.sampled_from(["a", "b", "id", "name"])
VALUES = st.recursive(
    st.integers(0, 3) | st.booleans() | st.text("xy", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
PLANS = st.dictionaries(KEYS, VALUES, max_size=4)


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "merged"),
    [
        ({"a": 1}, {"a": 1, "b": 2}, {"a": 3}, {"a": 3, "b": 2}),
        ({"a": 1, "b": 1}, {"b": 1}, {"a": 1, "b": 2}, {"b": 2}),
        ({"a": {"x": 1}}, {"a": {"x": 1, "y": 2}}, {}, {"a": {"x": 1, "y": 2}}),
        ({}, {"s": [{"id": "p"}]}, {"s": [{"id": "q"}]}, {"s": [{"id": "p"}, {"id": "q"}]}),
        (
            {"s": [{"id": "p"}, {"id": "q"}]},
            {"s": [{"id": "q", "ip": "2"}]},
            {"s": [{"id": "p"}, {"id": "q", "r": 1}]},
            {"s": [{"id": "q", "ip": "2", "r": 1}]},
        ),
        ({"a": 1}, {"a": True}, {"a": 1}, {"a": True}),
    ],
)
def test_changes_of_both_sides_are_kept(base: Any, mine: Any, theirs: Any, merged: Any) -> None:
    assert same(merge(base, mine, theirs)[0], merged)


@given(base=PLANS, mine=PLANS, theirs=PLANS)
def test_the_side_that_changed_something_wins_and_ours_where_both_did(
    base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any]
) -> None:
    assert same(merge(base, mine, base)[0], mine)
    assert same(merge(base, base, theirs)[0], theirs)
    assert same(merge(base, mine, mine)[0], mine)
    merged, conflicts = merge(base, mine, theirs)
    for conflict in conflicts:
        assert not same(conflict.former, conflict.now)
    assert all(not same(change.former, change.now) for change in differences(mine, merged))


def test_values_in_words() -> None:
    assert [words(v) for v in (None, True, "", ["a", 1], {"x": "y"})] == [
        "not set",
        "true",
        "empty",
        "[a, 1]",
        "{x = y}",
    ]
