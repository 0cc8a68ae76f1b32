"""Where the plan and the accounts name different domains, in words."""

from __future__ import annotations

import pytest

from mailwiz_tui.fleet.account_domains import AccountDrift, compared, widened
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.verify.account_domains import judge
from mailwiz_tui.verify.result import CheckState

PLAN = Plan.model_validate(
    {
        "servers": [{"id": "mx1", "roles": ["all-in-one"]}],
        "domain": {
            "primary_domain": "example.com",
            "hostname": "mail.example.com",
            "additional_domains": [
                {"name": "example.org"},
                {"name": "relay.test", "kind": "relay", "relay_host": "[192.0.2.9]"},
            ],
        },
    }
)
AGREED = ("example.com", "example.org")


@pytest.mark.parametrize(
    ("domains", "drift", "state", "words"),
    [
        (AGREED, AccountDrift(), CheckState.PASSED, "2 domains"),
        ((*AGREED, "shop.test"), AccountDrift(unplanned=("shop.test",)), CheckState.WARNING, "not in the plan"),
        (("example.com",), AccountDrift(absent=("example.org",)), CheckState.FAILED, "missing or inactive"),
        ((*AGREED, "relay.test"), AccountDrift(relayed=("relay.test",)), CheckState.FAILED, "relay domain"),
    ],
)
def test_each_way_of_drifting_is_told(
    domains: tuple[str, ...], drift: AccountDrift, state: CheckState, words: str
) -> None:
    assert compared(PLAN, domains) == drift
    result = judge(PLAN, "mx1", domains)
    assert (result.state, words in result.detail) == (state, True), result
    assert bool(result.advice) == bool(drift)


def test_what_is_not_known_is_no_drift() -> None:
    assert not compared(PLAN, None)
    assert judge(PLAN, "mx1", None).state is CheckState.NOT_RUN


def test_a_widened_plan_has_each_domain_once() -> None:
    assert widened(PLAN, ["shop.test", "example.org"]).all_domains() == [*PLAN.all_domains(), "shop.test"]
