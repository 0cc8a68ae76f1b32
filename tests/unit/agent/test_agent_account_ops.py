"""Accounts on the server: what is refused before the database, what is asked of it, and given secrets."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwiz_tui.agent.accounts import account_list, account_sql, placement
from mailwiz_tui.agent.core import secrets
from mailwiz_tui.agent.core.context import Context
from mailwiz_tui.agent.core.fault import AgentFault
from mailwiz_tui.agent.protocol.accounts import (
    AddAlias,
    AddedMailbox,
    AddMailbox,
    ChangeMailbox,
    FoundMail,
    LeftMail,
    MailboxCreated,
    MailboxRemoved,
    RemoveAlias,
    RemovedMailbox,
    RemoveMailbox,
    SetPassword,
)
from mailwiz_tui.agent.protocol.blueprint import AgentBlueprint, File, SecretSpec
from mailwiz_tui.agent.protocol.codec import Secret
from mailwiz_tui.agent.protocol.request import Request
from tests.unit.agent.rehearsal import Rehearsal, step
from tests.unit.fake_link import ask

MARIADB = """#!/bin/sh
cat >"$MAILWIZ_ROOT/asked"
cat "$MAILWIZ_ROOT/asked" >>"$MAILWIZ_ROOT/sql"
printf '%s\\n' "$*" >>"$MAILWIZ_ROOT/arguments"
for table in $(grep -o '^SELECT.* FROM [a-z]* ' "$MAILWIZ_ROOT/asked" | awk '{ print $NF }' | sort -u); do
	cat "$MAILWIZ_ROOT/answers/$table" 2>/dev/null
done
exit 0
"""
DOVEADM = """#!/bin/sh
echo "doveadm $*" >>"$MAILWIZ_ROOT/arguments"
[ "$1" = pw ] && cat >/dev/null && echo '{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA'
exit 0
"""
DOVECONF = "#!/bin/sh\necho '/var/vmail/%{user | domain}/%{user | username}'\n"
PASSWORD = "Canary-7f3Qm2x9KpLw"
SECRET = Secret(PASSWORD)
ANNA = {
    "kind": "mailbox", "address": "anna@example.com", "name": "Anna", "quota": 0, "used": 0, "messages": 0,
    "active": 1, "created": None,
}  # fmt: skip


@pytest.fixture
def server(machine: Rehearsal) -> Rehearsal:
    for name, script in {"mariadb": MARIADB, "doveadm": DOVEADM, "doveconf": DOVECONF}.items():
        program = machine.root / "usr/bin" / name
        program.write_text(script)
        program.chmod(0o755)
    answer(machine, "domain", {"domain": "example.com"})
    return machine


def answer(machine: Rehearsal, table: str, *rows: dict[str, Any]) -> None:
    """What the database answers when a table is asked for."""
    folder = machine.root / "answers"
    folder.mkdir(exist_ok=True)
    (folder / table).write_text("".join(json.dumps(row) + "\n" for row in rows))


def sql(machine: Rehearsal) -> str:
    return (machine.root / "sql").read_text()


def test_a_mailbox_gets_the_rows_that_postfixadmin_writes(server: Rehearsal) -> None:
    done = ask(server.host, AddMailbox("Anna@Example.com", SECRET, 5, "Anna Müller"))
    assert done == AddedMailbox("anna@example.com")
    said = sql(server)
    assert "INSERT INTO mailbox (username, password, name, maildir, local_part, domain, quota, created" in said
    assert "'example.com/anna/'" in said
    assert "INSERT INTO alias (address, goto, domain, created" in said
    assert "'anna@example.com', 'anna@example.com', 'example.com', NOW()" in said
    assert "Anna Müller".encode().hex() in said
    assert "mailwiz_store" not in said


def test_a_mailbox_goes_to_the_store_with_the_fewest_or_the_one_named(server: Rehearsal) -> None:
    stores = ("store1", "store2", "store3")
    assert ask(server.host, AddMailbox("anna@example.com", SECRET, stores=stores)).store == "store1"
    answer(server, "mailbox", {"store": "store1", "mailboxes": 3}, {"store": "store3", "mailboxes": 1})
    assert placement.choose(server.host, stores) == "store2"
    answer(server, "mailbox", *({"store": store, "mailboxes": 2} for store in stores))
    assert placement.choose(server.host, stores) == "store1"
    assert placement.choose(server.host, stores, "store3") == "store3"
    with pytest.raises(AgentFault, match="no store store4; the stores are: store1, store2, store3"):
        placement.choose(server.host, stores, "store4")
    assert "INSERT INTO mailwiz_store (username, store) VALUES ('anna@example.com', 'store1')" in sql(server)


def test_what_is_on_another_store_is_not_looked_for_here(server: Rehearsal) -> None:
    home = server.path("/var/vmail/example.com/anna")
    home.mkdir(parents=True)
    row = {"address": "anna@example.com", "active": 1, "quota": 0, "store": "store2"}
    answer(server, "mailbox", row)
    asked = RemoveMailbox("anna@example.com", delete_mail=True, stores=("store1", "store2"))
    assert not ask(server.host, asked).home
    assert home.exists()
    assert "DELETE FROM mailwiz_store WHERE username = 'anna@example.com'" in sql(server)
    found = ask(server.host, MailboxCreated("anna@example.com"))
    assert found == FoundMail("/var/vmail/example.com/anna")
    gone = ask(server.host, MailboxRemoved("anna@example.com", delete_mail=True))
    assert gone == LeftMail("/var/vmail/example.com/anna", deleted=True)
    assert not home.exists()
    answer(server, "mailbox", row | {"moving_to": "store1"})
    with pytest.raises(AgentFault, match="is being moved to store1"):
        ask(server.host, asked)


def test_the_password_is_in_no_argument_and_no_statement(server: Rehearsal) -> None:
    ask(server.host, AddMailbox("anna@example.com", SECRET))
    answer(server, "mailbox", {"address": "anna@example.com", "active": 1, "quota": 0})
    ask(server.host, SetPassword("anna@example.com", SECRET))
    for path in server.root.rglob("*"):
        assert not path.is_file() or PASSWORD not in path.read_text(errors="replace"), path
    assert "doveadm kick anna@example.com" in (server.root / "arguments").read_text()


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        (AddMailbox("anna@elsewhere.com", SECRET), "elsewhere.com is not a mailbox domain"),
        (AddMailbox("anna@example.com", Secret("short")), "fewer than 12"),
        (AddMailbox("an+na@example.com", SECRET), "follows a +"),
        (AddMailbox("anna'; DROP TABLE mailbox;--@example.com", SECRET), "is not a valid address"),
        (AddMailbox("../etc@example.com", SECRET), "is not a valid address"),
        (AddMailbox("mailwiz-probe@example.com", SECRET), "verification"),
        (AddMailbox("anna@example.com", SECRET, -1), "is not a valid quota"),
        (SetPassword("anna@example.com", SECRET), "no mailbox anna@example.com"),
        (RemoveMailbox("anna@example.com"), "no mailbox anna@example.com"),
        (ChangeMailbox("anna@example.com", active=False), "no mailbox anna@example.com"),
        (AddAlias("sales@example.com", ()), "needs a target"),
        (AddAlias("sales@example.com", ("sales@example.com",)), "its own target"),
        (AddAlias("sales@example.com", ("nobody@example.com",)), "does not exist here"),
        (RemoveAlias("sales@example.com"), "no alias sales@example.com"),
    ],
)
def test_what_cannot_be_done_is_said(server: Rehearsal, request_: Request[object], said: str) -> None:
    with pytest.raises(AgentFault, match=said.replace("+", r"\+")):
        ask(server.host, request_)
    path = server.root / "sql"
    written = path.read_text() if path.exists() else ""
    assert not any(word in written for word in ("INSERT", "UPDATE", "DELETE"))


def test_nothing_installed_is_said_so(machine: Rehearsal) -> None:
    program = machine.root / "usr/bin/mariadb"
    program.write_text("#!/bin/sh\necho \"ERROR 1049 (42000): Unknown database 'postfix'\"\nexit 1\n")
    program.chmod(0o755)
    with pytest.raises(AgentFault, match="no mail server is installed"):
        account_list.everything(machine.host)


def test_removing_keeps_the_mail_and_says_where(server: Rehearsal) -> None:
    home = server.path("/var/vmail/example.com/anna")
    home.mkdir(parents=True)
    (home / "mail").write_text("kept")
    answer(server, "mailbox", {"address": "anna@example.com", "active": 1, "quota": 0})
    answer(server, "alias", {"address": "sales@example.com", "goto": "bob@example.com,anna@example.com"})
    done = ask(server.host, RemoveMailbox("anna@example.com"))
    assert done.home == "/var/vmail/example.com/anna"
    assert done.aliases == ("sales@example.com",)
    assert (home / "mail").exists()
    done = ask(server.host, RemoveMailbox("anna@example.com", delete_mail=True))
    assert done.deleted
    assert not home.exists()
    assert home.parent.exists()


def test_own_aliases_are_no_aliases_in_the_list(server: Rehearsal) -> None:
    answer(
        server,
        "everything",
        ANNA,
        {"kind": "alias", "address": "anna@example.com", "goto": "anna@example.com", "active": 1, "own": 1},
        {"kind": "alias", "address": "bob@example.com", "goto": "bob@example.com,b@e.org", "active": 1, "own": 1},
        {"kind": "alias", "address": "@example.com", "goto": "anna@example.com", "active": 1, "own": 0},
    )
    (server.root / "usr/bin/mariadb").write_text(
        '#!/bin/sh\ncat >/dev/null; cat "$MAILWIZ_ROOT/answers/everything"\n'
    )
    found = account_list.everything(server.host)
    assert [(alias.address, alias.goto) for alias in found.aliases] == [
        ("bob@example.com", ("bob@example.com", "b@e.org")),
        ("@example.com", ("anna@example.com",)),
    ]


@given(st.text())
def test_no_text_breaks_out_of_a_statement(text: str) -> None:
    try:
        quoted = account_sql.literal(text)
    except AgentFault:
        quoted = "''"
    assert quoted.count("'") == 2
    assert "\\" not in quoted
    free = account_sql.free_text(text.encode("utf-8", "ignore").decode())
    assert set(free) <= set("CONVERT(X'0123456789abcdef' USING utf8mb4)")


def test_a_given_secret_is_never_made_up(machine: Rehearsal) -> None:
    file = File("/etc/out", "user:{{secret:smart-host}}\n")
    given = SecretSpec("smart-host", given="password of the smart host")
    blueprint = AgentBlueprint("mx1", (step(file),), (given,))
    context = Context.of(machine.host, blueprint)
    assert secrets.missing(machine.host, ["smart-host"]) == ("smart-host",)
    with pytest.raises(AgentFault, match="password of the smart host was not given") as refused:
        context.secrets.fill(file.content)
    assert "mailwiz-tui secret PLAN smart-host" in refused.value.advice
    secrets.put(machine.host, "smart-host", "grün & secret")
    assert secrets.missing(machine.host, ["smart-host"]) == ()
    assert Context.of(machine.host, blueprint).secrets.fill(file.content) == "user:grün & secret\n"
    assert Path(machine.host.state("secrets", "smart-host")).stat().st_mode & 0o777 == 0o600
    with pytest.raises(AgentFault):
        secrets.put(machine.host, "../up", "x")
    with pytest.raises(AgentFault):
        secrets.put(machine.host, "smart-host", "two\nlines")


def test_a_mailbox_that_the_panel_should_not_have_let_in_is_removed_without_touching_others(
    server: Rehearsal,
) -> None:
    neighbour = server.root / "var/vmail/example.com/anna/maildir"
    neighbour.mkdir(parents=True)
    for name in ("*@example.com", "anna/maildir@example.com", "o%hara@example.com"):
        answer(server, "mailbox", {"address": name, "active": 1, "quota": 0})
        done = ask(server.host, RemoveMailbox(name, delete_mail=True))
        assert done == RemovedMailbox(name, "", deleted=False, aliases=())
        assert f"DELETE FROM mailbox WHERE username = {account_sql.literal(name)};" in sql(server)
    assert neighbour.is_dir()
    assert "doveadm" not in (server.root / "arguments").read_text(), "doveadm takes * for everybody"


def test_a_mailbox_may_have_any_name_that_can_be_stored(server: Rehearsal) -> None:
    for name in ("o'hara", "a=b", "j&k", "hash#tag"):
        done = ask(server.host, AddMailbox(f"{name}@example.com", SECRET))
        assert done.address == f"{name}@example.com"
    assert account_sql.literal("o'hara@example.com") in sql(server)
