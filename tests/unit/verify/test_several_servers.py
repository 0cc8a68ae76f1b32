"""The mailboxes of a verification of several servers."""

from __future__ import annotations

from mailwiz_tui.verify import probe_mailboxes
from tests.unit.stack import cases


def test_there_is_a_mailbox_on_each_store() -> None:
    found = probe_mailboxes.wanted(cases.distributed())
    assert [(box.address, box.store) for box in found] == [
        ("mailwiz-probe@example.com", "store1"),
        ("mailwiz-probe-store2@example.com", "store2"),
    ]
    assert [box.store for box in probe_mailboxes.wanted(cases.plan())] == [""]
