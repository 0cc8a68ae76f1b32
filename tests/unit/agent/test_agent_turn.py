"""One verification at a time on a server, whoever asks for it."""

from __future__ import annotations

from mailwiz_tui.agent.operation import Channel
from mailwiz_tui.agent.watch_operations import WatchOperations
from tests.unit.agent.rehearsal import Rehearsal


def test_a_second_operator_has_to_wait_until_the_first_has_ended(machine: Rehearsal) -> None:
    first, second = (WatchOperations(Channel(machine.host)) for _ in range(2))
    assert first.verifying(begin=True) == {"busy": False}
    assert second.verifying(begin=True) == {"busy": True}
    assert second.verifying(begin=False) == {"busy": False}, "ending what never began takes no turn away"
    assert second.verifying(begin=True) == {"busy": True}
    assert first.verifying(begin=False) == {"busy": False}
    assert second.verifying(begin=True) == {"busy": False}


def test_two_verifications_over_one_connection_wait_for_each_other_too(machine: Rehearsal) -> None:
    operations = WatchOperations(Channel(machine.host))
    assert [operations.verifying(begin=True)["busy"] for _ in range(2)] == [False, True]
    operations.verifying(begin=False)
    assert operations.verifying(begin=True) == {"busy": False}
