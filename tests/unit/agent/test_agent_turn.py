"""One verification at a time on a server, whoever asks for it."""

from __future__ import annotations

from mailwiz_tui.agent.channel import Channel
from mailwiz_tui.agent.protocol.probes import EndTurn, TakeTurn
from mailwiz_tui.agent.watch_operations import WatchOperations
from tests.unit.agent.rehearsal import Rehearsal
from tests.unit.fake_link import FakeLink


def connection(machine: Rehearsal) -> FakeLink:
    """A connection of its own to the agent."""
    return FakeLink(*WatchOperations(Channel(machine.host)).operations())


async def busy(link: FakeLink) -> bool:
    return (await link.ask(TakeTurn())).busy


async def test_a_second_operator_has_to_wait_until_the_first_has_ended(machine: Rehearsal) -> None:
    first, second = connection(machine), connection(machine)
    assert not await busy(first)
    assert await busy(second)
    await second.ask(EndTurn())
    assert await busy(second), "ending what never began takes no turn away"
    await first.ask(EndTurn())
    assert not await busy(second)


async def test_two_verifications_over_one_connection_wait_for_each_other_too(machine: Rehearsal) -> None:
    link = connection(machine)
    assert [await busy(link) for _ in range(2)] == [False, True]
    await link.ask(EndTurn())
    assert not await busy(link)
