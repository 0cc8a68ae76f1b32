"""What an address means: the same answers from the database and from the copy that servers of several keep."""

from __future__ import annotations

import json
import os
import sqlite3
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwiz_tui.stack.accounts import account_copy
from mailwiz_tui.stack.accounts.account_reader import Accounts, AccountsUnavailableError, Usage
from mailwiz_tui.stack.accounts.account_sources import CopiedDirectory, Database, accounts_from
from mailwiz_tui.stack.accounts.copy_query import Rows
from mailwiz_tui.stack.accounts.copy_settings import CopySettings
from mailwiz_tui.stack.accounts.copy_tables import Tables
from mailwiz_tui.stack.compile import compile_server

from . import cases

DOMAINS = (("example.com", 1, 0), ("Example.ORG", 1, 0), ("off.example", 0, 0), ("backup.example", 1, 1),
           ("ALL", 1, 0), ("example.net", 1, 0))  # fmt: skip
ALIAS_DOMAINS = (("alias.example", "example.com", 1), ("other.example", "example.org", 1),
                 ("asleep.example", "example.com", 0), ("gone.example", "off.example", 1))  # fmt: skip
MAILBOXES = (
    ("Ann@example.com", "example.com", 0, 1, 7),
    ("bob@example.com", "example.com", 100, 1, 90),
    ("cid@example.org", "example.org", 0, 1, None),
    ("dan@example.org", "example.org", 0, 0, None),
    ("eve@off.example", "off.example", 0, 1, None),
    ("forward@example.com", "example.com", 0, 1, None),
    ("bank@example.net", "example.net", 50, 1, None),
)
ALIASES = (
    ("ann@example.com", "ann@example.com", "example.com", 1),
    ("bob@example.com", "bob@example.com", "example.com", 1),
    ("info@example.com", "Ann@example.com,\nbob@example.com", "example.com", 1),
    ("team@example.com", "info@example.com, out@foreign.example", "example.com", 1),
    ("ring@example.com", "wheel@example.com", "example.com", 1),
    ("wheel@example.com", "ring@example.com", "example.com", 1),
    ("forward@example.com", "ann@example.com", "example.com", 1),
    ("@example.org", "cid@example.org", "example.org", 1),
    ("tag@example.com", "ann+tag@example.com", "example.com", 1),
    ("asleep@example.com", "ann@example.com", "example.com", 0),
    ("late@off.example", "ann@example.com", "off.example", 1),
    ("loop@example.com", "loop+x@example.com", "example.com", 1),
    ("@example.net", "@example.com", "example.net", 1),
)


class _Cursor:
    def __init__(self, cursor: sqlite3.Cursor) -> None:
        self.cursor = cursor

    def __enter__(self) -> _Cursor:
        return self

    def __exit__(self, *rest: object) -> None:
        self.cursor.close()

    def execute(self, sql: str, values: tuple[str, ...]) -> None:
        self.cursor.execute(sql.replace("%s", "?"), values)

    def fetchall(self) -> list[Any]:
        return self.cursor.fetchall()


class Server:
    """A database that speaks as python3-pymysql does: SQLite with the tables of PostfixAdmin, case ignored."""

    Error = type("Error", (Exception,), {})

    def __init__(self) -> None:
        self.err = SimpleNamespace(
            OperationalError=type("OperationalError", (self.Error,), {}),
            InterfaceError=type("InterfaceError", (self.Error,), {}),
        )
        self.base = sqlite3.connect(":memory:", check_same_thread=False)
        self.fails: list[Exception] = []
        self.connections = 0
        text = "TEXT COLLATE NOCASE"
        for table in (
            f"domain (domain {text}, active INT, backupmx INT)",
            f"alias_domain (alias_domain {text}, target_domain {text}, active INT)",
            f"mailbox (username {text}, domain {text}, quota INT, active INT)",
            f"alias (address {text}, goto TEXT, domain {text}, active INT)",
            f"quota2 (username {text}, bytes INT)",
        ):
            self.base.execute(f"CREATE TABLE {table}")
        self.base.executemany("INSERT INTO domain VALUES (?, ?, ?)", DOMAINS)
        self.base.executemany("INSERT INTO alias_domain VALUES (?, ?, ?)", ALIAS_DOMAINS)
        self.base.executemany("INSERT INTO mailbox VALUES (?, ?, ?, ?)", [m[:4] for m in MAILBOXES])
        self.base.executemany("INSERT INTO alias VALUES (?, ?, ?, ?)", ALIASES)
        self.base.executemany("INSERT INTO quota2 VALUES (?, ?)", [(m[0], m[4]) for m in MAILBOXES if m[4]])

    def connect(self, **options: Any) -> Any:
        assert options["autocommit"], "else every later answer would be that of the first question"
        self.connections += 1
        if self.fails:
            raise self.fails.pop()
        return SimpleNamespace(cursor=self._cursor, close=lambda: None)

    def _cursor(self) -> _Cursor:
        if self.fails:
            raise self.fails.pop()
        return _Cursor(self.base.cursor())


def copied_rows() -> Rows:
    """What the copy's program gets of the same database: its SQL leaves out what is not active."""
    mail = {name.lower() for name, active, backup in DOMAINS if active and not backup and name != "ALL"}
    return {
        "domain": [{"domain": name} for name, *_ in DOMAINS if name.lower() in mail],
        "alias_domain": [{"domain": a, "target": t} for a, t, active in ALIAS_DOMAINS if active and t in mail],
        "mailbox": [
            {"address": a, "maildir": f"{a}/", "quota": quota, "used": used or 0, "store": "", "moving": ""}
            for a, domain, quota, active, used in MAILBOXES if active and domain in mail
        ],
        "alias": [{"address": a, "goto": goto} for a, goto, domain, active in ALIASES if active and domain in mail],
    }  # fmt: skip


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Server:
    made = Server()
    monkeypatch.setitem(sys.modules, "pymysql", made)
    return made


@pytest.fixture(params=["database", "copy"])
def accounts(request: pytest.FixtureRequest, server: Server, tmp_path: Path) -> Iterator[Accounts]:
    if request.param == "database":
        yield accounts_from({"socket": "/run/x.sock", "user": "mailwiz-checks", "name": "postfix"})
        return
    blueprint = compile_server(cases.distributed(), "in1", cases.distributed_facts())
    settings = CopySettings.parse(json.loads(blueprint.files()[account_copy.SETTINGS].content))
    path = tmp_path / account_copy.DIRECTORY
    path.write_text(json.dumps(Tables(copied_rows(), settings).directory()))
    yield accounts_from({"copy": str(path)})


OWNERS = {
    "ann@example.com": {"ann@example.com"},
    "ANN@Example.Com": {"ann@example.com"},
    "ann+news@example.com": {"ann@example.com"},
    "+news@example.com": set(),
    "info@example.com": {"ann@example.com", "bob@example.com"},
    "info+x@example.com": {"ann@example.com", "bob@example.com"},
    "team@example.com": {"ann@example.com", "bob@example.com"},
    "forward@example.com": {"forward@example.com", "ann@example.com"},
    "tag@example.com": {"ann@example.com"},
    "ring@example.com": set(),
    "loop@example.com": set(),
    "asleep@example.com": set(),
    "nobody@example.com": set(),
    "@example.com": set(),
    "@example.org": set(),
    "ann": set(),
    "": set(),
    "ann@alias.example": {"ann@example.com"},
    "ann+x@alias.example": {"ann@example.com"},
    "info@alias.example": {"ann@example.com", "bob@example.com"},
    "ann@asleep.example": set(),
    "cid@example.org": {"cid@example.org"},
    "anything@example.org": {"cid@example.org"},
    "dan@example.org": {"cid@example.org"},
    "anything@other.example": {"cid@example.org"},
    "eve@off.example": set(),
    "late@off.example": set(),
    "eve@gone.example": set(),
    "ann@example.net": {"ann@example.com"},
    "ann@sub.example.com": set(),
    "ann@foreign.example": set(),
    "ann@example.com\n": {"ann@example.com"},
    "a nn@example.com": set(),
    "änn@example.com": set(),
    "ban\N{KELVIN SIGN}@example.net": set(),
    "x' OR '1'='1@example.com": set(),
}
EXPANDED = {
    "ann@example.com": ("ann@example.com",),
    "ann+news@example.com": ("ann@example.com",),
    "team@example.com": ("out@foreign.example", "ann@example.com", "bob@example.com"),
    "forward@example.com": ("ann@example.com",),
    "tag@example.com": ("ann@example.com",),
    "ring@example.com": (),
    "loop@example.com": ("loop@example.com",),
    "info@alias.example": ("ann@example.com", "bob@example.com"),
    "anything@other.example": ("cid@example.org",),
    "who@foreign.example": ("who@foreign.example",),
    "bank@example.net": ("bank@example.net",),
    "bob+x@example.net": ("bob@example.com",),
}


@pytest.mark.parametrize("address", OWNERS)
def test_an_address_belongs_to_the_logins_it_leads_to(accounts: Accounts, address: str) -> None:
    assert accounts.owners(address) == OWNERS[address]


@pytest.mark.parametrize("address", EXPANDED)
def test_an_address_is_expanded_to_where_mail_for_it_ends(accounts: Accounts, address: str) -> None:
    assert accounts.expand(address) == EXPANDED[address]


def test_a_mailbox_without_a_quota_has_that_of_the_plan(server: Server) -> None:
    settings = {"socket": "/run/x.sock", "user": "mailwiz-checks", "name": "postfix", "mailbox_quota": "500"}
    accounts = accounts_from(settings)
    assert accounts.usage("ann@example.com") == Usage(7, 500)
    assert accounts.usage("bob@example.com") == Usage(90, 100), "its own wins"


def test_usage_and_domains(accounts: Accounts) -> None:
    assert accounts.usage("BOB@example.com") == Usage(90, 100)
    assert accounts.usage("ann@example.com") == Usage(7, 0)
    assert accounts.usage("bank@example.net") == Usage(0, 50)
    assert accounts.usage("dan@example.org") is None
    assert accounts.usage("info@example.com") is None
    own = {"example.com", "example.org", "example.net", "alias.example", "other.example"}
    assert accounts.mailbox_domains() == own
    assert not Usage(90, 100).takes(11)
    assert Usage(90, 100).takes(10)
    assert Usage(90, 0).takes(10**9)


@pytest.mark.parametrize(
    ("domain", "served"),
    [
        ("example.com", "example.com"),
        ("Deep.Sub.Example.Com.", "example.com"),
        ("x.alias.example", "alias.example"),
        ("notexample.com", ""),
        ("com", ""),
        ("off.example", ""),
        ("backup.example", ""),
        ("all", ""),
        ("", ""),
        ("..example.com", "example.com"),
    ],
)
def test_what_is_below_a_served_domain_is_served_too(accounts: Accounts, domain: str, served: str) -> None:
    assert accounts.serving(domain) == served


def test_the_database_is_asked_again_at_once_when_it_was_restarted(server: Server) -> None:
    accounts = Accounts(Database("/run/x.sock", "u", "postfix", patience=3.0))
    assert accounts.usage("bob@example.com") == Usage(90, 100)
    assert accounts.usage("bob@example.com") == Usage(90, 100)
    assert server.connections == 1
    server.fails = [server.err.OperationalError("Can't connect"), server.err.OperationalError("has gone away")]
    assert accounts.usage("bob@example.com") == Usage(90, 100)


def test_a_database_that_stays_away_is_said(server: Server) -> None:
    accounts = Accounts(Database("/run/x.sock", "u", "postfix", patience=0.0, restart=0.0))
    server.fails = [server.err.OperationalError("Can't connect")] * 3
    with pytest.raises(AccountsUnavailableError, match=r"/run/x[.]sock"):
        accounts.owners("ann@example.com")


def test_a_lookup_waits_longer_when_the_database_has_just_stopped(server: Server) -> None:
    accounts = Accounts(Database("/run/x.sock", "u", "postfix", patience=0.0, restart=0.5))
    server.fails = [server.err.OperationalError("Can't connect")] * 3
    assert accounts.usage("bob@example.com") == Usage(90, 100)
    server.fails = [server.err.OperationalError("Can't connect")] * 1000
    with pytest.raises(AccountsUnavailableError):
        accounts.usage("bob@example.com")
    left = len(server.fails)
    with pytest.raises(AccountsUnavailableError):
        accounts.usage("bob@example.com")
    assert len(server.fails) == left - 1, "asked once, at once"


def test_the_copy_is_read_again_when_it_was_replaced(tmp_path: Path) -> None:
    path = tmp_path / "directory.json"
    accounts = Accounts(CopiedDirectory(str(path)))
    with pytest.raises(AccountsUnavailableError):
        accounts.owners("ann@example.com")
    rows: dict[str, Any] = {"domains": ["example.com"], "alias_domains": {}, "mailboxes": {}, "aliases": {}}
    path.write_text(json.dumps(rows))
    assert accounts.owners("ann@example.com") == frozenset()
    new = tmp_path / "new"
    new.write_text(json.dumps(rows | {"mailboxes": {"ann@example.com": [0, 0]}}))
    os.replace(new, path)
    assert accounts.owners("ann@example.com") == {"ann@example.com"}


@given(st.text(max_size=40))
def test_no_text_is_taken_for_anothers_address(text: str) -> None:
    mailboxes = {"ann@e.test": [0, 0], "bank@e.test": [0, 0]}
    rows = {"domains": ["e.test"], "alias_domains": {}, "mailboxes": mailboxes, "aliases": {}}
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(rows, file)
        file.flush()
        owned = accounts_from({"copy": file.name}).owners(f"{text}@e.test")
    assert not owned or (text.isascii() and text.strip().lower().partition("+")[0] in ("ann", "bank"))
