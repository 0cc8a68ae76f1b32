"""The admin panel's first administrator: made once, with a new password until the operator has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailwiz_tui.agent.accounts import administrators
from mailwiz_tui.agent.core.fault import AgentFault
from mailwiz_tui.agent.protocol.first_accounts import PasswordsSet
from tests.unit.agent.rehearsal import Rehearsal
from tests.unit.agent.test_agent_account_ops import PASSWORD, answer, server, sql

__all__ = ["server"]
POSTMASTER = "postmaster@example.com"


def test_it_is_made_with_all_rights_and_its_password_is_in_no_argument(server: Rehearsal) -> None:
    assert administrators.ensure(server.host, POSTMASTER, PASSWORD) == PasswordsSet((POSTMASTER,))
    written = sql(server)
    assert "INSERT INTO admin" in written
    assert "INSERT INTO domain_admins" in written
    assert "'ALL'" in written
    assert "{ARGON2ID}" in written
    everything = "".join(p.read_text(errors="replace") for p in Path(server.root).rglob("*") if p.is_file())
    assert PASSWORD not in everything


def test_until_it_was_handed_over_each_time_a_new_password_is_set(server: Rehearsal) -> None:
    administrators.ensure(server.host, POSTMASTER, PASSWORD)
    answer(server, "admin", {"name": POSTMASTER})
    assert administrators.ensure(server.host, POSTMASTER, PASSWORD) == PasswordsSet((POSTMASTER,))
    administrators.acknowledge(server.host, POSTMASTER)
    assert administrators.ensure(server.host, POSTMASTER, PASSWORD) == PasswordsSet(())


def test_an_administrator_that_somebody_else_made_is_left_alone(server: Rehearsal) -> None:
    answer(server, "admin", {"name": "chief@example.com"})
    assert administrators.ensure(server.host, POSTMASTER, PASSWORD) == PasswordsSet(())
    assert "INSERT" not in sql(server)


def test_an_address_that_is_none_is_refused(server: Rehearsal) -> None:
    with pytest.raises(AgentFault):
        administrators.ensure(server.host, "x' OR 1=1", PASSWORD)
