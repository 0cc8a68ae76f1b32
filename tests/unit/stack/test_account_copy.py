"""The copy of the accounts: rows of the database in, tables of Postfix and Dovecot's logins out."""

from __future__ import annotations

import dataclasses
import grp
import json
import os
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.stack.accounts import account_copy
from mailwiz_tui.stack.accounts.copy_query import (
    AliasRow,
    MailboxRow,
    NoAnswerError,
    Rows,
    question,
    rows_from,
    usage,
    usage_update,
)
from mailwiz_tui.stack.accounts.copy_settings import CopiedSecret, CopySettings
from mailwiz_tui.stack.accounts.copy_tables import Tables
from mailwiz_tui.stack.blueprint import Wait
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.topology.derive import topology_of

from . import cases

HASH = "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$c2FsdA$aGFzaA"
ROWS: Rows = {
    "domain": [{"domain": "example.com"}, {"domain": "example.org"}],
    "alias_domain": [{"domain": "example.net", "target": "example.com"}],
    "mailbox": [
        {"address": "ann@example.com", "maildir": "example.com/ann/", "quota": 0, "used": 0, "messages": 0,
         "store": "", "moving": "", "password": HASH},
        {"address": "bob@example.com", "maildir": "example.com/bob/", "quota": 100, "used": 100, "messages": 1,
         "store": "store2", "moving": "", "password": HASH},
        {"address": "cid@example.org", "maildir": "example.org/cid/", "quota": 5, "used": 0, "messages": 0,
         "store": "", "moving": "store2", "password": HASH},
        {"address": "dan@example.org", "maildir": "example.org/dan/", "quota": 0, "used": 0, "messages": 0,
         "store": "gone", "moving": "", "password": HASH},
    ],
    "alias": [
        {"address": "ann@example.com", "goto": "ann@example.com"},
        {"address": "info@example.com", "goto": "ann@example.com,\nbob@example.com"},
        {"address": "@example.org", "goto": "ann@example.com"},
    ],
}  # fmt: skip


def settings(server_id: str) -> CopySettings:
    blueprint = compile_server(cases.distributed(), server_id, cases.distributed_facts())
    return CopySettings.parse(json.loads(blueprint.files()[account_copy.SETTINGS].content))


def test_an_inbound_server_knows_recipients_and_their_stores_but_no_password() -> None:
    chosen = settings("in1")
    assert not chosen.passwords
    assert "password" not in question(chosen.passwords, chosen.mailbox_quota)
    maps = Tables(ROWS, chosen).maps()
    assert sorted(maps) == ["aliases", "domains", "mailboxes", "own-senders", "transport"]
    assert sorted(maps["domains"]) == ["example.com", "example.net", "example.org"]
    assert maps["transport"] == {
        "bob@example.com": "lmtp:inet:[10.80.0.6]:24",
        "cid@example.org": "retry:4.2.1 The mailbox is being moved",
        "dan@example.org": "retry:4.3.0 The mailbox is on a server that is not in the plan",
    }
    assert maps["aliases"]["info@example.com"] == "ann@example.com, bob@example.com"
    assert maps["aliases"]["@example.org"] == "ann@example.com"
    assert maps["aliases"]["ann@example.net"] == "ann@example.com"
    assert maps["aliases"]["info@example.net"] == "ann@example.com, bob@example.com"


def test_an_alias_domain_has_its_targets_catch_all_unless_it_has_its_own() -> None:
    catch_all = AliasRow(address="@example.com", goto="bob@example.com")
    rows: Rows = {**ROWS, "alias": [*ROWS["alias"], catch_all]}
    aliases = Tables(rows, settings("in1")).maps()["aliases"]
    assert aliases["@example.net"] == "bob@example.com"
    assert aliases["ann@example.net"] == "ann@example.com", "what exists is not taken by the catch-all"
    own = AliasRow(address="@example.net", goto="ann@example.com")
    aliases = Tables({**rows, "alias": [*rows["alias"], own]}, settings("in1")).maps()["aliases"]
    assert aliases["@example.net"] == "ann@example.com"


def test_a_front_sends_each_login_on_to_its_store() -> None:
    chosen = settings("out1")
    copy = Tables(ROWS, chosen)
    lines = dict(line.split(":", 1) for line in copy.logins().splitlines())
    proxied = "proxy=yes host=store1.mailwiz.internal hostip=10.80.0.5 starttls=yes proxy_no_multiplex=yes"
    assert lines["ann@example.com"].endswith(f":{proxied}")
    assert "host=store2.mailwiz.internal" in lines["bob@example.com"]
    assert lines["cid@example.org"].endswith("nologin=yes")
    assert lines["dan@example.org"].endswith("nologin=yes")


def test_a_name_with_an_apostrophe_is_there_as_dovecot_looks_it_up_and_as_it_is_listed() -> None:
    """Lookups in a passwd-file escape quotes (Dovecot 2.3 and 2.4); ``doveadm -A`` reads names as they stand."""
    apostrophe: MailboxRow = {**ROWS["mailbox"][0], "address": "o'hara@example.com"}
    rows: Rows = {**ROWS, "mailbox": [apostrophe]}
    logins = Tables(rows, settings("out1")).logins().splitlines()
    assert [line.partition(":")[0] for line in logins] == ["o'hara@example.com", "o\\'hara@example.com"]
    assert len({line.partition(":")[2] for line in logins}) == 1


def test_a_further_store_ends_logins_itself() -> None:
    chosen = settings("store2")
    assert chosen.maps == ()
    lines = dict(line.split(":", 1) for line in Tables(ROWS, chosen).logins().splitlines())
    assert lines["bob@example.com"] == f"{HASH}::::::userdb_quota_storage_size=100B"
    assert lines["ann@example.com"] == f"{HASH}::::::userdb_tempfail=yes", "it is on the other store"
    assert lines["cid@example.org"] == f"{HASH}::::::userdb_tempfail=yes"
    moving = [row | {"moving": "store1"} for row in ROWS["mailbox"] if row["store"] == "store2"]
    lines = dict(line.split(":", 1) for line in Tables(ROWS | {"mailbox": moving}, chosen).logins().splitlines())
    assert lines["bob@example.com"].endswith("userdb_quota_storage_size=100B userdb_tempfail=yes"), (
        "it is set aside"
    )


def test_a_further_store_tells_how_full_its_own_mailboxes_are(tmp_path: Path) -> None:
    chosen = settings("store2")
    assert chosen.usage_file == "/var/vmail/%s/.usage"
    assert settings("out1").usage_file == ""
    chosen = dataclasses.replace(chosen, usage_file=f"{tmp_path}/%s/.usage")
    for name in ("ann", "bob"):
        home = tmp_path / "example.com" / name
        home.mkdir(parents=True)
        (home / ".usage").write_text("priv/quota/messages\n2\npriv/quota/storage\n150\n")
    told = usage_update(ROWS, chosen)
    assert told.count("(X'") == 1, "ann's is on the other store"
    assert f"(X'{b'bob@example.com'.hex()}', 150, 2)" in told
    known = [row | {"used": 150, "messages": 2} if row["store"] == "store2" else row for row in ROWS["mailbox"]]
    assert usage_update(ROWS | {"mailbox": known}, chosen) == ""


@pytest.mark.parametrize(
    "text", ["", "priv/quota/storage\n", "priv/quota/storage\n1; DROP\npriv/quota/messages\n1\n"]
)
def test_a_file_that_is_not_dovecots_tells_nothing(tmp_path: Path, text: str) -> None:
    path = tmp_path / ".usage"
    path.write_text(text)
    assert usage(str(path)) is None
    link = tmp_path / "link"
    link.symlink_to(path)
    assert usage(str(link)) is None
    assert usage(str(tmp_path / "absent")) is None


def test_an_answer_cut_short_or_empty_leaves_the_last_copy(tmp_path: Path) -> None:
    with pytest.raises(NoAnswerError):
        rows_from(['{"kind": "domain", "domain": "example.com"}'])
    empty = Rows(domain=[], alias_domain=[], mailbox=[], alias=[])
    with pytest.raises(NoAnswerError):
        account_copy.write_all(empty, settings("store2"), str(tmp_path))
    assert list(tmp_path.glob("**/users")) == []


def test_the_secret_of_forwarding_addresses_comes_with_the_accounts_and_postsrsd_learns_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chosen = settings("in1")
    (secret,) = chosen.secrets
    assert secret.path == "/var/lib/mailwiz-accounts/srs.secret"
    assert settings("store2").secrets == (), "a store neither rewrites nor unwraps"
    secret = dataclasses.replace(secret, path=str(tmp_path / "srs.secret"))
    chosen = dataclasses.replace(chosen, secrets=(secret,))
    assert account_copy.secret_missing(chosen)
    ran: list[list[str]] = []
    monkeypatch.setattr(
        "mailwiz_tui.stack.accounts.account_copy.subprocess.run", lambda argv, **_: ran.append(argv)
    )
    account_copy.keep_secret(secret, ["one-secret"])
    account_copy.keep_secret(secret, ["one-secret"])
    assert not account_copy.secret_missing(chosen)
    assert ran == [["systemctl", "try-restart", "--no-block", "postsrsd.service"]], "once, as it changed once"
    assert (tmp_path / "srs.secret").read_text() == "one-secret\n"
    assert (tmp_path / "srs.secret").stat().st_mode & 0o777 == 0o600
    for nothing in ([], ["two words"]):
        with pytest.raises(NoAnswerError, match="no secret srs"):
            account_copy.keep_secret(secret, nothing)
    assert (tmp_path / "srs.secret").read_text() == "one-secret\n"


def test_a_secret_of_a_program_is_for_its_group_and_changes_with_the_account_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "mailwiz_tui.stack.accounts.account_copy.subprocess.run", lambda argv, **_: pytest.fail(argv)
    )
    secret = CopiedSecret("roundcube", str(tmp_path / "webmail.key"), grp.getgrgid(os.getgid()).gr_name)
    for value in ("one-key", "another-key"):
        account_copy.keep_secret(secret, [value])
        assert (tmp_path / "webmail.key").read_text() == f"{value}\n"
    assert (tmp_path / "webmail.key").stat().st_mode & 0o777 == 0o640


def test_the_store_lets_each_server_read_what_its_role_needs() -> None:
    blueprint = compile_server(cases.distributed(), "store1", cases.distributed_facts())
    grants = blueprint.files()["/etc/mailwiz/sql/peers.sql"].content.split("CREATE USER IF NOT EXISTS ")[1:]
    by_host = {grant.split(" ", 1)[0]: grant for grant in grants}
    assert "'mailwiz_peer'@'10.80.0.4'" not in by_host, "the filter needs no accounts"
    inbound, front = by_host["'mailwiz_peer'@'10.80.0.1'"], by_host["'mailwiz_peer'@'10.80.0.3'"]
    assert "REQUIRE SUBJECT '/CN=in1.mailwiz.internal'" in inbound
    assert "password" not in inbound
    assert "`password`" in front
    assert "INSERT" not in front
    store = by_host["'mailwiz_peer'@'10.80.0.6'"]
    assert "INSERT, UPDATE" in store
    assert ["mailwiz_secret" in grant for grant in (inbound, front, store)] == [True, True, False]


def test_a_store_with_the_database_puts_off_what_is_elsewhere_and_one_store_has_no_such_question() -> None:
    def query(plan: Any, server_id: str) -> str:
        files = compile_server(plan, server_id, cases.distributed_facts()).files()
        return files["/etc/dovecot/dovecot.conf"].content

    plan = cases.distributed()
    asked = "IF(COALESCE(NULLIF(s.store, ''), 'store1') = 'store1' AND COALESCE(s.moving_to, '') = '', NULL, 'yes')"
    assert f"{asked} AS tempfail FROM mailbox m" in " ".join(query(plan, "store1").replace("\\\n", " ").split())
    granted = (
        compile_server(plan, "store1", cases.distributed_facts()).files()["/etc/mailwiz/sql/peers.sql"].content
    )
    assert "GRANT SELECT ON `postfix`.`mailwiz_store` TO 'dovecot'@'localhost';" in granted
    one = [s.model_dump(mode="json") for s in plan.servers if s.id != "store2"]
    assert "AS tempfail" not in query(cases.distributed(servers=one), "store1")


@pytest.mark.parametrize("services", [{}, {"webmail": "roundcube", "admin_panel": "postfixadmin"}])
def test_a_server_waits_for_those_that_the_topology_names(services: dict[str, str]) -> None:
    plan = cases.distributed(services=services)
    for server in plan.servers:
        blueprint = compile_server(plan, server.id, cases.distributed_facts())
        waits = {item.server for step in blueprint.steps for item in step.items if isinstance(item, Wait)}
        assert waits - {server.id} == set(topology_of(plan, server.id).waits_for)
