"""Whose name a message may carry, and the two programs that Postfix asks about it."""

from __future__ import annotations

import importlib
import io
import json
import socket
import subprocess
import sys
import types
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.accounts.account_reader import Accounts, AccountsUnavailableError
from mailwiz_tui.stack.accounts.account_sources import CopiedDirectory
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.message_checks import sender_owners
from mailwiz_tui.stack.message_checks.component import MILTER as MESSAGE_CHECKS
from mailwiz_tui.stack.message_checks.policy import Fields, Policy, Refusal
from mailwiz_tui.stack.message_checks.sender_owners import SenderOwners, answer, read_netstring
from mailwiz_tui.stack.message_checks.sieve_mail import fields_of, refusal

from . import cases

ROWS = {
    "domains": ["example.com", "panel.example"],
    "alias_domains": {"alias.example": "example.com"},
    "mailboxes": {"ann@example.com": [0, 0], "bob@example.com": [0, 0], "eve@panel.example": [0, 0]},
    "aliases": {
        "info@example.com": "ann@example.com, bob@example.com",
        "postmaster@example.com": "bob@example.com",
    },
}
ANN = "ann@example.com"


@pytest.fixture
def policy(tmp_path: Path) -> Policy:
    path = tmp_path / "directory.json"
    path.write_text(json.dumps(ROWS))
    return Policy(Accounts(CopiedDirectory(str(path))), frozenset({"example.com", "relay.example"}))


SUBMITTED = {
    # From fields: what follows "refused because"; empty where taken
    ("Ann <ann@example.com>",): "",
    ("ANN+news@Example.COM",): "",
    ("info@example.com",): "",
    ("ann@alias.example",): "",
    ("ann@example.com, info@example.com",): "",
    ("bob@example.com",): "not one that ann@example.com may send as",
    ("postmaster@example.com",): "not one that",
    ("ann@example.com, bob@example.com",): "bob@example.com is not one",
    ("nobody@example.com",): "not one that",
    ("ann@sub.example.com",): "not one that",
    ("ann@panel.example",): "not one that",
    ("ann@relay.example",): "not one that",
    ("ann@deep.relay.example",): "not one that",
    ("ceo@other.example",): "does not serve",
    ("ann@[192.0.2.1]",): "does not serve",
    ("ann@example.com, ann@alias.example",): "several domains",
    ("ann@example.com", "ann@example.com"): "more than one From",
    ("ann @ example.com",): "cannot be read",
    ("x: ann@example.com;",): "cannot be read",
    ("",): "cannot be read",
    ("<>",): "cannot be read",
}


@pytest.mark.parametrize("authors", SUBMITTED)
@pytest.mark.parametrize("sender", [ANN, ""])
def test_a_login_writes_only_as_what_it_owns_whatever_its_envelope_says(
    policy: Policy, authors: tuple[str, ...], sender: str
) -> None:
    refusal = policy.submitted(Fields(authors), ANN, sender).refusal
    wanted = SUBMITTED[authors]
    assert (refusal is None) == (not wanted), refusal
    assert wanted in (refusal.text if refusal else "")


def test_a_missing_from_is_the_login_and_so_is_what_postfix_puts_for_an_empty_envelope(policy: Policy) -> None:
    assert policy.submitted(Fields(), ANN, ANN).author == ANN
    assert policy.submitted(Fields(("MAILER-DAEMON",)), ANN, "").author == ANN
    assert policy.submitted(Fields(("MAILER-DAEMON",)), ANN, ANN).refusal is not None
    for text in ("MAILER-DAEMON@example.com", "mailer-daemon@x.test, MAILER-DAEMON"):
        assert policy.submitted(Fields((text,)), ANN, "").refusal is not None


def test_foreign_authors_are_taken_where_the_plan_allows_it_and_served_ones_never(policy: Policy) -> None:
    lenient = replace(policy, allow_foreign_from=True)
    assert lenient.submitted(Fields(("ceo@other.example",)), ANN, ANN).refusal is None
    for served in ("bob@example.com", "x@sub.example.com", "x@relay.example", "x@panel.example", "x@[192.0.2.1]"):
        assert lenient.submitted(Fields((served,)), ANN, ANN).refusal is not None, served


@pytest.mark.parametrize(
    ("senders", "wanted"),
    [
        (("ann@example.com",), ""),
        (("Info <info@example.com>",), ""),
        (("bob@example.com",), "The Sender address bob@example.com is not one"),
        (("x@other.example",), "does not serve"),
        (("ann@example.com, info@example.com",), "more than one address"),
        (("ann@example.com", "ann@example.com"), "more than one Sender"),
        (("g: ann@example.com;",), "cannot be read"),
    ],
)
def test_sender_must_be_true_as_well(policy: Policy, senders: tuple[str, ...], wanted: str) -> None:
    for authors in (("ann@example.com",), ()):
        refusal = policy.submitted(Fields(authors, senders), ANN, ANN).refusal
        assert wanted in (refusal.text if refusal else "")
        assert (refusal is None) == (not wanted)


INCOMING = {
    ("x@other.example",): None,
    ("x@a.example, y@a.example",): None,
    ("root@localhost",): None,
    (): "no From field",
    ("x@a.example", "x@a.example"): "more than one From",
    ("x@a.example, y@b.example",): "several domains",
    ("team: ann@example.com;",): "group",
    ("ann @ example.com",): "white space",
    ("<>",): "cannot be read",
    ("x@[192.0.2.1]",): "no domain",
}


@pytest.mark.parametrize("authors", INCOMING)
def test_nothing_is_taken_from_others_whose_author_cannot_be_told(policy: Policy, authors: tuple[str, ...]) -> None:
    refusal = policy.incoming(Fields(authors)).refusal
    if INCOMING[authors] is None:
        assert refusal is None
    else:
        assert isinstance(refusal, Refusal)
        assert str(INCOMING[authors]) in refusal.text
        assert "RFC" in refusal.text


@pytest.mark.parametrize(
    ("domain", "served"),
    [("example.com", True), ("a.b.Example.com", True), ("relay.example", True), ("x.relay.example", True),
     ("panel.example", True), ("x.alias.example", True), ("notexample.com", False), ("com", False), ("", False)],
)  # fmt: skip
def test_whose_domain_an_author_is_of(policy: Policy, domain: str, served: bool) -> None:
    assert policy.serves(domain) is served
    if domain:
        assert policy.incoming(Fields((f"x@{domain}",))).served is served


def test_refusals_hold_in_one_smtp_reply_and_are_ascii(policy: Policy) -> None:
    for authors in (*SUBMITTED, *INCOMING):
        found = policy.submitted(Fields(authors), ANN, ANN).refusal if authors else None
        if found:
            assert found.text.isascii()
            assert len(found.text) < 400
            assert "\n" not in found.text


def test_owners_are_told_as_postfix_asks(policy: Policy) -> None:
    assert answer(b"senders info@example.com", policy.accounts) == b"OK ann@example.com,bob@example.com"
    assert answer(b"senders nobody@example.com", policy.accounts) == b"NOTFOUND "
    assert answer(b"senders \xff@example.com", policy.accounts) == b"NOTFOUND "
    gone = Accounts(CopiedDirectory("/nonexistent/directory.json"))
    assert answer(b"senders ann@example.com", gone).startswith(b"TEMP ")


@pytest.mark.parametrize(
    ("sent", "read"),
    [(b"3:abc,", b"abc"), (b"0:,", b""), (b"", None), (b"3:ab", None), (b"3:abcd", None), (b"x:a,", None),
     (b"9999999:", None), (b"99999:" + b"a" * 10, None), (b"-1:a,", None)],
)  # fmt: skip
def test_netstrings_are_read_and_nothing_else(sent: bytes, read: bytes | None) -> None:
    assert read_netstring(io.BytesIO(sent)) == read


def test_several_questions_are_answered_on_one_connection(policy: Policy) -> None:
    with SenderOwners(0, policy.accounts) as server:
        server.start()
        with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=10) as client:
            for _ in range(2):
                client.sendall(b"23:senders ann@example.com,")
                assert client.recv(100) == b"18:OK ann@example.com,"
        server.shutdown()


class _Context:
    """What libmilter keeps for a connection, and what a milter did to the message."""

    def __init__(self, login: str = "") -> None:
        self.login = login
        self.done: list[tuple[Any, ...]] = []


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch, policy: Policy) -> Iterator[type[Any]]:
    class Base:
        context: _Context

        def getsymval(self, name: str) -> str | None:
            return self.context.login if name == "{auth_authen}" else None

        def setreply(self, *reply: str) -> None:
            self.context.done.append(("reply", *reply))

        def addheader(self, *change: Any) -> None:
            self.context.done.append(("add", *change))

        def chgheader(self, *change: Any) -> None:
            self.context.done.append(("change", *change))

    fake = types.SimpleNamespace(Base=Base, CONTINUE="go", REJECT="reject", TEMPFAIL="tempfail")
    monkeypatch.setitem(sys.modules, "Milter", fake)
    name = "mailwiz_tui.stack.message_checks.milter"
    sys.modules.pop(name, None)
    made = importlib.import_module(name).MessageChecks
    made.policy = policy
    yield made
    sys.modules.pop(name, None)


def run(checks: type[Any], client: str, sender: str, *fields: tuple[str, str], login: str = "") -> list[Any]:
    """What the milter does about a message, its verdict last."""
    milter = checks()
    milter.context = _Context(login)
    milter.connect("name", "inet", (client, 25))
    milter.envfrom(sender)
    for name, value in fields:
        milter.header(name, value)
    verdict = milter.eom()
    return [*milter.context.done, verdict]


def test_the_milter_tells_the_filter_whose_domain_it_is_and_nobody_else_can(checks: type[Any]) -> None:
    claimed = ("x-mailwiz-served", "header envelope")
    own = run(checks, "192.0.2.9", "<a@sub.example.com>", ("From", "ann@relay.example"))
    assert own == [("add", "X-Mailwiz-Served", "header envelope"), "go"]
    foreign = run(checks, "192.0.2.9", "<>", claimed, ("From", "a@other.example"), claimed)
    assert foreign == [("change", "X-Mailwiz-Served", 2, ""), ("change", "X-Mailwiz-Served", 1, ""), "go"]


def test_the_milter_refuses_and_completes(checks: type[Any]) -> None:
    refused = run(checks, "192.0.2.9", "<>", ("From", "bob%x@example.com"), login="Ann@example.com")
    assert refused[0][:3] == ("reply", "550", "5.7.1")
    assert "bob%%x@example.com" in refused[0][3], "libmilter reads it as a format"
    assert refused[1] == "reject"
    assert run(checks, "192.0.2.9", f"<{ANN}>", login=ANN) == [("add", "From", ANN), "go"]
    bounce = ("From", "MAILER-DAEMON")
    assert run(checks, "192.0.2.9", "<>", bounce, login=ANN) == [("change", "From", 1, ANN), "go"]
    spaced = run(checks, "192.0.2.9", f"<{ANN}>", ("From ", "bob@example.com"), login=ANN)
    assert spaced[-1] == "reject"


@pytest.mark.parametrize("client", ["127.0.0.1", "::1", "127.3.4.5", "::ffff:127.0.0.1"])
def test_what_the_host_itself_writes_passes(checks: type[Any], client: str) -> None:
    assert run(checks, client, "<>") == ["go"]
    assert run(checks, client, "<>", ("From", "bob@example.com"), login=ANN)[-1] == "reject", "not after a login"


def test_without_accounts_nothing_passes_unchecked(checks: type[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*rest: object) -> None:
        raise AccountsUnavailableError("gone")

    monkeypatch.setattr(CopiedDirectory, "_now", away)
    for login in ("", ANN):
        done = run(checks, "192.0.2.9", "<>", ("From", "x@other.example"), login=login)
        assert done[0][:2] == ("reply", "451")
        assert done[-1] == "tempfail"


@pytest.mark.parametrize("antispam", ["rspamd", "spamassassin", "none"])
def test_every_server_that_takes_mail_asks_the_checks_first(antispam: str) -> None:
    services = {"antispam": antispam, "antivirus": True}
    single = {"mx1": compile_server(cases.plan(services=services), "mx1", cases.facts())}
    plan, facts = cases.distributed(services=services), cases.distributed_facts()
    several = {server.id: compile_server(plan, server.id, facts) for server in plan.servers}
    for name, blueprint in (single | several).items():
        runs = MESSAGE_CHECKS.unit in {unit.name for unit in blueprint.units()}
        assert runs == (name != "filter"), name
        if name in ("mx1", "in1", "in2", "out1"):
            main = blueprint.files()["/etc/postfix/main.cf"].content
            asked = dict(line.split(" =", 1) for line in main.splitlines() if "_milters =" in line)
            assert asked["smtpd_milters"].split()[0] == MESSAGE_CHECKS.address
            assert asked.get("submission_milters", MESSAGE_CHECKS.address).split()[0] == MESSAGE_CHECKS.address
            assert MESSAGE_CHECKS.address not in asked["non_smtpd_milters"]
            owned = f"\nsmtpd_sender_login_maps = {layout.SENDER_OWNERS}\n" in main
            assert owned == (name in ("mx1", "out1")), "only where users log in"
    assert MESSAGE_CHECKS.address not in several["out1"].files()["/etc/postfix/master.cf"].content, (
        "what other servers of the plan hand over was checked there"
    )


@pytest.mark.parametrize("antispam", ["rspamd", "spamassassin", "none"])
def test_every_signer_leaves_out_what_came_in_under_a_name_of_ours(antispam: str) -> None:
    """The lab sees that it does (tests/lab/passed_on.py); here: each server that signs has the rule."""
    services = {"antispam": antispam}
    single = {"mx1": compile_server(cases.plan(services=services), "mx1", cases.facts())}
    plan, facts = cases.distributed(services=services), cases.distributed_facts()
    several = {server.id: compile_server(plan, server.id, facts) for server in plan.servers}
    ruled = set()
    for name, blueprint in (single | several).items():
        files = {path: file.content for path, file in blueprint.files().items()}
        opendkim = files.get("/etc/opendkim.conf", "")
        if "\nSigningTable " in opendkim:
            assert "\nSetupPolicyScript       /etc/mailwiz/opendkim/setup.lua\n" in opendkim
            assert "'X-Mailwiz-Served'" in files["/etc/mailwiz/opendkim/setup.lua"]
            ruled.add(name)
        if "enabled = true" in files.get("/etc/rspamd/local.d/dkim_signing.conf", ""):
            assert "'DKIM_SIGNED'" in files["/etc/rspamd/lua.local.d/mailwiz.lua"]
            ruled.add(name)
    assert ruled == {"mx1", "out1"}


def test_the_checks_know_relay_domains_and_where_accounts_are() -> None:
    extra = [{"name": "relay.example", "kind": "relay", "relay_host": "[backend.example.net]"}]
    domain = {"primary_domain": "example.com", "hostname": "mail.example.com", "additional_domains": extra}
    blueprint = compile_server(cases.plan(domain=domain), "mx1", cases.facts())
    settings = json.loads(blueprint.files()["/etc/mailwiz/message-checks/settings.json"].content)
    assert settings["domains"] == ["example.com", "relay.example"]
    assert settings["accounts"] == {"socket": layout.MYSQL_SOCKET, "user": "mailwiz-checks", "name": "postfix"}
    assert settings["allow_foreign_from"] is False
    assert "python3-pymysql" in blueprint.packages()
    copied = compile_server(cases.distributed(), "in1", cases.distributed_facts())
    settings = json.loads(copied.files()["/etc/mailwiz/message-checks/settings.json"].content)
    assert settings["accounts"] == {"copy": "/var/lib/mailwiz-accounts/directory.json"}
    for server_id, where in (("store1", "user"), ("store2", "copy")):
        store = compile_server(cases.distributed(), server_id, cases.distributed_facts())
        settings = json.loads(store.files()["/etc/mailwiz/message-checks/settings.json"].content)
        assert where in settings["accounts"], "the first store has the database, the others a copy"
        assert "sendmail_path = /usr/local/lib/mailwiz/mailwiz-sieve-mail %{user}" in (
            store.files()["/etc/dovecot/dovecot.conf"].content
        )
        assert layout.SIEVE_MAIL in store.files()
    assert sender_owners.PORT == layout.SENDER_OWNERS_PORT


def test_long_fields_of_a_users_mail_are_folded_before_it_is_signed(checks: type[Any]) -> None:
    thread = " ".join(f"<{number:030d}@example.com>" for number in range(30))
    fields = (("From", ANN), ("Comments", "a"), ("Comments", "b " * 600), ("References", thread))
    done = run(checks, "192.0.2.9", f"<{ANN}>", *fields, login=ANN)
    assert [change[:3] for change in done[:-1]] == [("change", "Comments", 2), ("change", "References", 1)]
    assert all(len(line) < 999 for change in done[:-1] for line in change[3].split("\n"))
    assert done[1][3].replace("\n", "") == thread
    assert done[-1] == "go"
    stranger = run(checks, "192.0.2.9", "<a@other.example>", ("From", "a@other.example"), *fields[1:])
    assert stranger == ["go"], "what others signed is not touched"


def test_what_cannot_be_folded_is_refused_with_the_reason(checks: type[Any]) -> None:
    done = run(checks, "192.0.2.9", f"<{ANN}>", ("From", ANN), ("X-Data", "x" * 1200), login=ANN)
    assert done[0][:3] == ("reply", "554", "5.6.0")
    assert "The X-Data field has a line of 1208 octets, 998 are allowed (RFC 5322 section 2.1.1)" in done[0][3]
    assert done[-1] == "reject"


@pytest.mark.parametrize(("login", "length", "code"), [(ANN, 999, "554"), (ANN, 998, ""), ("", 5000, "")])
def test_a_long_line_of_the_text_is_refused_from_users_alone(
    checks: type[Any], login: str, length: int, code: str
) -> None:
    milter = checks()
    milter.context = _Context(login)
    milter.connect("name", "inet", ("192.0.2.9", 25))
    author = ANN if login else "a@other.example"
    milter.envfrom(f"<{author}>")
    milter.header("From", author)
    milter.body(b"short\r\n" + b"x" * (length - 10))
    milter.body(b"x" * 10 + b"\r\nshort\r\n")
    assert milter.eom() == ("reject" if code else "go")
    assert [done[1:3] for done in milter.context.done] == ([(code, "5.6.0")] if code else [])


ANSWER = "X-Sieve: Pigeonhole Sieve 0.5\r\nMessage-ID: <dovecot-sieve-1@x>\r\n"
REDIRECT = "X-Sieve: Pigeonhole Sieve 0.5\r\nX-Sieve-Redirected-From: ann@example.com\r\n"


@pytest.mark.parametrize(
    ("head", "wanted"),
    [
        (ANSWER + "From: Ann\r\n <ann@example.com>\r\n", ""),
        (ANSWER + "From: info@example.com\r\n", ""),
        (
            ANSWER + "From: postmaster@example.com\r\n",
            "postmaster@example.com is not an address of ann@example.com",
        ),
        (ANSWER + "From: x@elsewhere.test\r\n", "x@elsewhere.test is not"),
        (ANSWER + "From: ann@example.com\r\nfrom : bob@example.com\r\n", "2 From fields"),
        (ANSWER + "From: g: ann@example.com;\r\n", "cannot be read"),
        (ANSWER, "0 From fields"),
        (
            ANSWER + "From: bob@example.com\r\nX-Sieve-Redirected-From: ann@example.com\r\n",
            "bob@example.com is not",
        ),
        (REDIRECT + "From: g: x@elsewhere.test;\r\nFrom: y@elsewhere.test\r\n", ""),
    ],
)
@pytest.mark.parametrize("ends", ["\r\n", "\n"])
def test_what_a_filter_writes_is_under_an_address_of_its_login_and_what_it_redirects_is_left(
    policy: Policy, head: str, wanted: str, ends: str
) -> None:
    message = f"{head}\r\nFrom: bob@example.com\r\n".replace("\r\n", ends).encode()
    said = refusal(message, ANN, policy.accounts.owners)
    assert wanted in said
    assert bool(wanted) == bool(said)


def test_fields_are_told_from_the_body() -> None:
    assert fields_of(b"A: 1\n 2\nB:3\n\nC: 4\n") == [("a", " 1\n 2"), ("b", "3")]


def test_the_program_for_filters_runs_as_it_is_shipped(tmp_path: Path) -> None:
    blueprint = compile_server(cases.plan(), "mx1", cases.facts())
    for path, file in blueprint.files().items():
        if path.startswith("/usr/local/lib/mailwiz/"):
            place = tmp_path / path.removeprefix("/usr/local/lib/")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(file.content.replace("/usr/local/lib", str(tmp_path)))
    program = tmp_path / layout.SIEVE_MAIL.removeprefix("/usr/local/lib/")
    forged = f"{ANSWER}From: ann@example.com\r\nFrom: bob@example.com\r\n\r\nhello\r\n".encode()
    done = subprocess.run(
        [sys.executable, "-I", str(program), ANN, "-i", "-f", ANN, "--", "x@elsewhere.test"],
        input=forged,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 77
    assert done.stderr.decode() == f"mail of a filter of {ANN} is not sent: it has 2 From fields\n"
