"""Web applications on a front, whose data and accounts are in the database of another server."""

from __future__ import annotations

from typing import Any

import pytest

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.accounts.clients import PANEL, PANEL_TABLES, WEBMAIL, DatabaseClient, database_clients
from mailwiz_tui.stack.accounts.copy import UNITS
from mailwiz_tui.stack.accounts.refresh import SOCKET_UNIT
from mailwiz_tui.stack.blueprint import Blueprint, Scope, User
from mailwiz_tui.stack.compile import compile_server

from . import cases
from .goldens import WEB, WEB_CERTIFICATE, two_web_fronts, web_facts

AT_THE_STORE = [
    {"id": "in1", "roles": ["mx-inbound", "antispam"], "internal_ip": "10.80.0.1"},
    {"id": "front", "roles": ["mx-outbound", "mail-storage"], "internal_ip": "10.80.0.2"},
]


def fronts(server_id: str) -> Blueprint:
    return compile_server(two_web_fronts(), server_id, web_facts())


def made(server_id: str, **changes: Any) -> Blueprint:
    return compile_server(cases.distributed(services=WEB, **changes), server_id, web_facts())


def test_only_the_front_serves_them_and_only_the_account_store_keeps_their_data() -> None:
    blueprints = {server.id: made(server.id) for server in cases.distributed().servers}
    served = {name for name, b in blueprints.items() if {443} & {port.number for port in b.ports}}
    php = {name for name, b in blueprints.items() if "php-fpm" in b.packages()}
    databases = {name for name, b in blueprints.items() if "mariadb-server" in b.packages()}
    assert (served, php, databases) == ({"out1"}, {"out1"}, {"store1"})


@pytest.mark.parametrize("client", [WEBMAIL, PANEL], ids=lambda client: client.name)
def test_an_application_cannot_read_the_key_that_opens_what_daemons_may_do(client: DatabaseClient) -> None:
    blueprint = made("out1")
    pool = next(f.content for path, f in blueprint.files().items() if path.endswith(f"mailwiz-{client.user}.conf"))
    opened = next(line for line in pool.splitlines() if "open_basedir" in line).partition("= ")[2].split(":")
    assert {client.key, client.certificate, layout.INTERNAL_PEERS} <= set(opened)
    others = {c.key for c in (WEBMAIL, PANEL, PANEL_TABLES) if c != client}
    assert not {layout.INTERNAL_KEY, layout.INTERNAL_IDENTITY, layout.INTERNAL_DIR, *others} & set(opened)
    users = [item for _, item in blueprint.items() if isinstance(item, User) and item.name == client.user]
    assert users
    assert not [user for user in users if layout.INTERNAL_GROUP in user.groups]


def test_the_database_trusts_the_certificates_of_applications_and_no_other_daemon_does() -> None:
    files = made("store1").files()
    certificates = [WEB_CERTIFICATE.format(client.name) for client in (WEBMAIL, PANEL, PANEL_TABLES)]
    for certificate in certificates:
        assert certificate in files[layout.DATABASE_PEERS].content
    trusting = {path for path, file in files.items() if layout.DATABASE_PEERS in file.content}
    assert trusting == {"/etc/mysql/mariadb.conf.d/91-mailwiz-peers.cnf"}
    for server in cases.distributed().servers:
        assert "out1's" not in made(server.id).files()[layout.INTERNAL_PEERS].content


def test_webmail_reads_no_account_wherever_it_is() -> None:
    sql = made("store1").files()["/etc/mailwiz/sql/roundcube.sql"].content
    account = "'roundcube'@'10.80.0.3'"
    granted = {line for line in sql.splitlines() if line.endswith(f"TO {account};")}
    assert granted == {
        f"GRANT ALL PRIVILEGES ON `roundcube`.* TO {account};",
        f"GRANT EXECUTE ON PROCEDURE `postfix`.`mailwiz_set_password` TO {account};",
    }
    assert "REQUIRE SUBJECT '/CN=webmail.out1'" in sql


def test_the_panel_changes_rows_and_root_over_there_the_tables() -> None:
    sql = made("store1").files()["/etc/mailwiz/sql/postfixadmin.sql"].content
    assert "GRANT SELECT, INSERT, UPDATE, DELETE ON `postfix`.* TO 'postfixadmin'@'10.80.0.3';" in sql
    assert "GRANT ALL PRIVILEGES ON `postfix`.* TO 'postfixadmin_tables'@'10.80.0.3';" in sql
    for name in ("panel", "panel-tables"):
        assert f"REQUIRE SUBJECT '/CN={name}.out1'" in sql
    assert sql.count("IDENTIFIED BY ''") == sql.count("REQUIRE SUBJECT") == 4


@pytest.mark.parametrize(("services", "listens"), [(WEB, True), ({"webmail": "roundcube"}, False)])
def test_the_panel_finds_somebody_who_takes_its_mail_and_nobody_else_does(
    services: dict[str, str], listens: bool
) -> None:
    blueprint = compile_server(cases.distributed(services=services), "out1", web_facts())
    files, number = blueprint.files(), layout.PANEL_MAIL_PORT
    assert (f"127.0.0.1:{number} inet" in files["/etc/postfix/master.cf"].content) == listens
    assert [port.scope for port in blueprint.ports if port.number == number] == [Scope.LOCAL] * listens
    if listens:
        assert f"['smtp_port'] = '{number}'" in files["/etc/postfixadmin/config.local.php"].content


def test_applications_may_have_the_copy_of_the_accounts_made_anew_and_nobody_else() -> None:
    blueprint = made("out1")
    assert "SocketGroup=mailwiz-accounts\nSocketMode=0660" in blueprint.files()[f"{UNITS}/{SOCKET_UNIT}"].content
    users = [item for _, item in blueprint.items() if isinstance(item, User)]
    assert {user.name for user in users if "mailwiz-accounts" in user.groups} == {"roundcube", "postfixadmin"}
    assert (
        "unix:///run/mailwiz-accounts-now.sock" in blueprint.files()["/etc/postfixadmin/config.local.php"].content
    )


def test_a_front_that_keeps_the_accounts_reaches_them_by_their_socket() -> None:
    plan = cases.distributed(servers=AT_THE_STORE, services=WEB)
    assert database_clients(plan, "front") == ()
    files = compile_server(plan, "front", cases.facts()).files()
    config = files["/etc/roundcube/config.inc.php"].content
    assert "mysql://roundcube@unix(" in config
    assert WEBMAIL.key not in config
    assert "'mailwiz_accounts'" in config, "logins come from the copy all the same"
    assert "'roundcube'@'localhost' IDENTIFIED VIA unix_socket" in files["/etc/mailwiz/sql/roundcube.sql"].content
    assert layout.DATABASE_PEERS not in files


@pytest.mark.parametrize("server_id", ["out1", "in2"])
def test_each_of_several_fronts_serves_any_request_of_a_session(server_id: str) -> None:
    files = fronts(server_id).files()
    config = files["/etc/roundcube/config.inc.php"].content
    assert f"file_get_contents('{layout.WEBMAIL_KEY_COPY}')" in config
    assert "{{secret:" not in config
    assert "'database_attachments'" in config, "a file attached at one server is sent by another"
    pools = {path.rpartition("-")[2]: f.content for path, f in files.items() if "/pool.d/mailwiz-" in path}
    assert "auto_prepend_file] = /etc/postfixadmin/mailwiz-sessions.php" in pools["postfixadmin.conf"]
    assert layout.WEBMAIL_KEY_COPY in pools["roundcube.conf"]
    assert layout.WEBMAIL_KEY_COPY not in pools["postfixadmin.conf"]
    assert "host=store1.mailwiz.internal" in files["/etc/postfixadmin/mailwiz-sessions.php"].content
    members = {item.name for _, item in fronts(server_id).items() if isinstance(item, User)
               if "mailwiz-webmail" in item.groups}  # fmt: skip
    assert members == {"roundcube"}


def test_all_fronts_have_one_key_and_only_they() -> None:
    plan = two_web_fronts()
    having = {s.id for s in plan.servers if layout.WEBMAIL_KEY_COPY in copied(fronts(s.id))}
    assert having == {"out1", "in2"}
    made_on = {s.id for s in plan.servers if "roundcube-des-key" in {x.name for x in fronts(s.id).secrets}}
    assert made_on == {"store1"}
    assert layout.WEBMAIL_KEY_COPY not in copied(made("out1")), "one front has a key of its own"


def copied(blueprint: Blueprint) -> str:
    found = blueprint.files().get("/etc/mailwiz/account-copy.json")
    return found.content if found else ""


def test_the_database_knows_the_applications_of_each_front() -> None:
    files = fronts("store1").files()
    for name, user in (("roundcube", "roundcube"), ("postfixadmin", "postfixadmin_tables")):
        sql = files[f"/etc/mailwiz/sql/{name}.sql"].content
        assert f"User = '{user}' AND Host NOT IN ('localhost', '10.80.0.2', '10.80.0.3')" in sql
        assert f"TO '{user}'@'10.80.0.2', '{user}'@'10.80.0.3';" in sql
        assert sql.count("IDENTIFIED BY ''") == sql.count("REQUIRE SUBJECT")
    assert "max_allowed_packet = 81M" in files["/etc/mysql/mariadb.conf.d/91-mailwiz-peers.cnf"].content
    assert (
        "max_allowed_packet" not in made("store1").files()["/etc/mysql/mariadb.conf.d/91-mailwiz-peers.cnf"].content
    )


def test_a_front_beside_the_database_and_one_elsewhere_share_sessions_too() -> None:
    servers = [*AT_THE_STORE, {"id": "other", "roles": ["mx-outbound"], "internal_ip": "10.80.0.3"}]
    plan = cases.distributed(servers=servers, services=WEB)
    files = compile_server(plan, "front", cases.facts()).files()
    sql = files["/etc/mailwiz/sql/roundcube.sql"].content
    assert "GRANT ALL PRIVILEGES ON `roundcube`.* TO 'roundcube'@'localhost', 'roundcube'@'10.80.0.3';" in sql
    panel = files["/etc/mailwiz/sql/postfixadmin.sql"].content
    assert "'postfixadmin_tables'@'10.80.0.3'" in panel
    assert "'postfixadmin_tables'@'localhost'" not in panel, "root is known there"
    assert "unix_socket=" in files["/etc/postfixadmin/mailwiz-sessions.php"].content
    assert layout.WEBMAIL_KEY_COPY in files["/etc/roundcube/config.inc.php"].content


@pytest.mark.parametrize("script", ["set-up-roundcube", "upgrade-accounts-tables"])
def test_tables_are_upgraded_by_one_server_at_a_time(script: str) -> None:
    for blueprint in (fronts("out1"), compile_server(cases.plan(services=WEB), "mx1", cases.facts())):
        text = blueprint.files()[f"{layout.LIB_DIR}/{script}"].content
        assert text.index("GET_LOCK") < text.index("$0 --alone") < text.rindex("if current")


def test_a_certificate_is_made_for_what_the_plan_wants_alone() -> None:
    assert database_clients(cases.distributed(), "out1") == ()
    found = [client.name for client in database_clients(cases.distributed(services=WEB), "out1")]
    assert found == ["webmail", "panel", "panel-tables"]
    assert database_clients(cases.plan(services=WEB), "mx1") == ()
