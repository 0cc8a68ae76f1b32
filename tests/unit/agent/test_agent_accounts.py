"""First accounts and the verification mailbox: a stand-in for mariadb records what it is given."""

from __future__ import annotations

import pytest

from mailwiz_tui.agent.accounts import first_accounts
from mailwiz_tui.agent.core.fault import AgentFault
from mailwiz_tui.agent.protocol.codec import Secret
from mailwiz_tui.agent.protocol.first_accounts import EnsureAccounts, FirstAlias, FirstMailbox
from tests.unit.agent.rehearsal import Rehearsal
from tests.unit.fake_link import ask

PASSWORD = "correct-horse-battery"


@pytest.fixture
def database(machine: Rehearsal) -> Rehearsal:
    """Replays ``mailboxes`` as the answer to SELECT and appends every statement to ``sql``."""
    programs = {
        "mariadb": 'input=$(cat)\necho "$input" >>"$MAILWIZ_ROOT/sql"\necho "argv $*" >>"$MAILWIZ_ROOT/sql"\n'
        'case "$input" in SELECT*) cat "$MAILWIZ_ROOT/mailboxes" 2>/dev/null ;; esac\nexit 0\n',
        "doveadm": 'if [ "$1" = pw ]; then read -r a; read -r b; [ "$a" = "$b" ] && echo "{ARGON2ID}hash"; fi\n'
        'echo "doveadm $*" >>"$MAILWIZ_ROOT/calls"\n',
    }
    for name, script in programs.items():
        program = machine.path(f"/usr/bin/{name}")
        program.write_text("#!/bin/sh\n" + script)
        program.chmod(0o755)
    return machine


def ensure(machine: Rehearsal, password: str = PASSWORD) -> list[str]:
    wanted = EnsureAccounts(
        (FirstMailbox("postmaster@example.com", Secret(password)),),
        (FirstAlias("abuse@example.com", "postmaster@example.com"),),
        ("example.com",),
    )
    return list(ask(machine.host, wanted).addresses)


def statements(machine: Rehearsal) -> str:
    file = machine.root / "sql"
    text = file.read_text()
    file.unlink()
    return text


def test_a_password_is_set_until_it_was_handed_over_and_never_after(database: Rehearsal) -> None:
    assert ensure(database) == ["postmaster@example.com"]
    assert "{ARGON2ID}hash" in statements(database)
    (database.root / "mailboxes").write_text("postmaster@example.com\n")
    assert ensure(database, "another-password-1") == ["postmaster@example.com"], "the first was never acknowledged"
    first_accounts.acknowledge(database.host, ["postmaster@example.com"])
    statements(database)
    assert ensure(database) == []
    assert "password" not in statements(database)


def test_a_mailbox_that_others_made_is_left_alone(database: Rehearsal) -> None:
    (database.root / "mailboxes").write_text("postmaster@example.com\n")
    assert ensure(database) == []


def test_a_controller_killed_before_the_database_answered_loses_nothing(database: Rehearsal) -> None:
    database.path("/usr/bin/mariadb").write_text(
        '#!/bin/sh\ncase "$(cat)" in SELECT*) exit 0;; esac\necho "ERROR 2002"; exit 1\n'
    )
    with pytest.raises(AgentFault, match="ERROR 2002"):
        ensure(database)
    database.path("/usr/bin/mariadb").write_text("#!/bin/sh\ncat >/dev/null\necho postmaster@example.com\n")
    assert ensure(database) == ["postmaster@example.com"]


def test_no_password_is_in_any_argument_or_statement(database: Rehearsal) -> None:
    ensure(database)
    first_accounts.open_probe(database.host, "mailwiz-probe@example.com", PASSWORD)
    everything = statements(database) + "\n".join(database.calls())
    assert PASSWORD not in everything
    assert "doveadm pw -s ARGON2ID" in everything


def test_the_probe_mailbox_is_shut_and_emptied(database: Rehearsal) -> None:
    first_accounts.open_probe(database.host, "mailwiz-probe@example.com", PASSWORD)
    assert "active = 1" in statements(database)
    first_accounts.close_probe(database.host, "mailwiz-probe@example.com")
    assert "active = 0, password = '*'" in statements(database)
    assert "doveadm expunge -u mailwiz-probe@example.com mailbox * ALL" in database.calls()


@pytest.mark.parametrize(
    "address", ["x'; DROP TABLE mailbox; --@a", "a@b'c", "no-at", "@x", "a@b\n", "a b@c.d", ""]
)
def test_what_is_no_address_never_reaches_the_database(database: Rehearsal, address: str) -> None:
    with pytest.raises(AgentFault):
        first_accounts.open_probe(database.host, address, PASSWORD)
    assert not (database.root / "sql").exists()


def test_a_weak_password_is_refused(database: Rehearsal) -> None:
    with pytest.raises(AgentFault):
        first_accounts.hashed(database.host, "short")


def test_without_dovecot_openssl_hashes(machine: Rehearsal) -> None:
    machine.path("/usr/bin/doveadm").write_text("#!/bin/sh\nexit 1\n")
    machine.path("/usr/bin/doveadm").chmod(0o755)
    found = first_accounts.hashed(machine.host, PASSWORD)
    assert found.startswith("{SHA512-CRYPT}$6$")
    assert PASSWORD not in found
