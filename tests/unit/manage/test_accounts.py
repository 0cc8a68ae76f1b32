"""What a postmaster types: sizes, addresses, catch-alls; and the command line around them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwiz_tui.cli import main
from mailwiz_tui.manage.account_words import (
    UNITS,
    known_store,
    shown_address,
    size_words,
    typed_address,
    typed_alias,
    typed_quota,
)
from mailwiz_tui.topology.servers import spread_stores
from tests.unit.stack import cases


@pytest.mark.parametrize(
    ("text", "size"),
    [("5G", 5 * 1024**3), ("500m", 500 * 1024**2), ("1.5 GB", 3 * 1024**3 // 2), ("2TiB", 2 * 1024**4),
     ("none", 0), ("0", 0), ("", 0), ("unlimited", 0), ("1048576", 1024**2)],
)  # fmt: skip
def test_quotas_are_understood(text: str, size: int) -> None:
    assert typed_quota(text) == size


@pytest.mark.parametrize("text", ["5X", "G", "-5G", "5,5G", "five", "12", "99999999999999T", "1e9", "5 G B"])
def test_other_sizes_are_refused_in_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match="“"):
        typed_quota(text)


@given(st.integers(1, 1000), st.sampled_from("MGT"))
def test_a_quota_is_shown_as_it_was_typed(count: int, unit: str) -> None:
    size = typed_quota(f"{count}{unit}")
    assert size == count * UNITS[unit]
    assert abs(typed_quota(size_words(size)) - size) <= size * 0.051


def test_addresses_are_normalised() -> None:
    assert typed_address(" Anna@Bücher.example ") == "anna@xn--bcher-kva.example"
    assert typed_alias("*@Example.COM") == typed_alias("@example.com") == "@example.com"
    assert shown_address("@xn--bcher-kva.example") == "*@bücher.example"
    with pytest.raises(ValueError, match="no @"):
        typed_address("anna")


def test_faults_in_what_was_typed_come_before_connecting(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mailbox", "add", "nowhere.toml", "anna@example.com", "--quota", "5X"]) == 2
    assert "like 5G or 500M" in capsys.readouterr().err


def test_the_password_is_no_argument(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["mailbox", "add", "plan.toml", "anna@example.com", "--password", "secret"])
    assert refused.value.code == 2


def test_there_is_a_choice_between_stores_only_where_there_are_several() -> None:
    plan = cases.distributed()
    assert spread_stores(plan) == ("store1", "store2")
    known_store(plan, "store2")
    with pytest.raises(ValueError, match="no store “out1”; its stores: store1, store2"):
        known_store(plan, "out1")
    assert spread_stores(cases.plan()) == ()
    one = [s.model_dump(mode="json") for s in plan.servers if s.id != "store2"]
    assert spread_stores(cases.distributed(servers=one)) == ()
