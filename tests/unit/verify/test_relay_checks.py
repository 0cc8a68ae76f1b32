"""Relay domains: what each answer of the server means."""

from __future__ import annotations

from typing import Any

import pytest

from mailwiz_tui.verify import relay
from mailwiz_tui.verify.check import Failed, Warned
from mailwiz_tui.verify.smtp_route import SmtpRoute


def route(*answers: str) -> SmtpRoute:
    """A courier whose recipients get these answers, one after the other; the last goes on."""
    left = list(answers)

    async def carry(steps: list[Any]) -> list[list[Any]]:
        said = left.pop(0) if len(left) > 1 else left[0]
        return [[220, "hello"], [250, "mail"], [250, "ok"], [int(said[:3]), said[4:]]]

    return SmtpRoute(carry)


async def test_a_recipient_that_the_next_hop_knows() -> None:
    said = await relay.check_taken("partner.test", route("250 2.1.5 Ok"), pause=0)
    assert said == "answered with 250 2.1.5 Ok"


async def test_a_slow_look_up_is_waited_for() -> None:
    way = route("450 4.1.1 later", "450 4.1.1 later", "250 2.1.5 Ok")
    assert "250" in await relay.check_taken("partner.test", way, patience=5, pause=0)


@pytest.mark.parametrize("check", [relay.check_taken, relay.check_unknown])
async def test_a_next_hop_that_does_not_answer_fails(check: Any) -> None:
    with pytest.raises(Failed, match="next hop does not answer"):
        await check("partner.test", route("450 4.1.1 later"), patience=0, pause=0)


async def test_a_domain_that_is_not_relayed_fails() -> None:
    with pytest.raises(Failed, match="554"):
        await relay.check_taken("partner.test", route("554 5.7.1 Relay access denied"), pause=0)
    with pytest.raises(Failed, match="expected 550"):
        await relay.check_unknown("partner.test", route("554 5.7.1 Relay access denied"), pause=0)


async def test_a_next_hop_without_postmaster_or_without_knowledge_is_warned_of() -> None:
    with pytest.raises(Warned, match="no postmaster"):
        await relay.check_taken("partner.test", route("550 5.1.1 No such address"), pause=0)
    with pytest.raises(Warned, match="accepts any address"):
        await relay.check_unknown("partner.test", route("250 2.1.5 Ok"), pause=0)


async def test_an_unknown_recipient_is_refused() -> None:
    assert "550" in await relay.check_unknown("partner.test", route("550 5.1.1 No such address"), pause=0)


def test_each_domain_has_its_checks() -> None:
    found = relay.checks([("a.test", "[hop]"), ("b.test", "[hop]")], route("250 ok"))
    ends = ("taken", "unknown-recipient")
    assert [check.id for check in found] == [f"relay.{d}.{end}" for d in ("a.test", "b.test") for end in ends]
