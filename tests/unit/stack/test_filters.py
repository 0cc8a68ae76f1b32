"""What each choice of filter and scanner puts on a server, and the small programs that come with them."""

from __future__ import annotations

import importlib
import io
import socketserver
import sys
import threading
import types
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Blueprint, Unit
from mailwiz_tui.stack.clamav.component import MILTER as CLAMAV
from mailwiz_tui.stack.clamav.component import source as signature_source
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.message_checks.component import MILTER as MESSAGE_CHECKS
from mailwiz_tui.stack.opendkim.milter import MILTER as OPENDKIM
from mailwiz_tui.stack.rate_limiter.component import MILTER as RATE_LIMITER
from mailwiz_tui.stack.rspamd.milter import MILTER as RSPAMD
from mailwiz_tui.stack.spamassassin.component import MILTER as SPAMASSASSIN
from mailwiz_tui.stack.spamassassin.spamd import Spamd, Verdict

from . import cases
from .goldens import with_scanner


def made(**services: Any) -> Blueprint:
    return compile_server(cases.plan(services=services), "mx1", cases.facts())


def main_cf(blueprint: Blueprint) -> str:
    return blueprint.files()["/etc/postfix/main.cf"].content


@pytest.mark.parametrize("antispam", ["rspamd", "spamassassin", "none"])
def test_of_several_servers_those_that_filter_scan_and_the_others_ask_them(antispam: str) -> None:
    blueprints = {s.id: with_scanner(s.id, antispam) for s in cases.distributed().servers}
    scanning = {name: blueprint.meta["virus_scanner"] for name, blueprint in blueprints.items()}
    assert scanning == {**dict.fromkeys(blueprints, ""), "filter": "clamav"}
    running = {name for name, b in blueprints.items() if CLAMAV.unit in {unit.name for unit in b.units()}}
    assert running == {"filter"}
    for name in ("in1", "in2", "out1"):
        config = main_cf(blueprints[name])
        assert f"smtpd_milters = {MESSAGE_CHECKS.address} {CLAMAV.address}" in config, (
            "the scanner comes before the filter"
        )
        assert "milter_default_action = tempfail" in config
    limits = "" if antispam == "rspamd" else f"{RATE_LIMITER.address} "
    assert f"submission_milters = {MESSAGE_CHECKS.address} {limits}{CLAMAV.address}" in main_cf(blueprints["out1"])


def test_a_filter_beside_another_one_asks_whichever_scanner_works() -> None:
    servers = [
        {"id": "f1", "roles": ["mx-inbound", "mx-outbound", "antispam"], "internal_ip": "10.80.0.1"},
        {"id": "f2", "roles": ["antispam", "mail-storage"], "internal_ip": "10.80.0.2"},
    ]
    plan = cases.distributed(servers=servers, services={"antivirus": True})
    blueprint = compile_server(plan, "f1", cases.facts())
    assert f"smtpd_milters = {MESSAGE_CHECKS.address} inet:127.0.0.2:{CLAMAV.port} " in main_cf(blueprint)
    links = blueprint.files()["/etc/mailwiz/links/haproxy.cfg"].content
    assert f"bind 127.0.0.2:{CLAMAV.port}" in links
    assert f"server own 127.0.0.1:{CLAMAV.port} track viruses-own/own" in links
    assert "backend viruses-own" in links, "nobody else asks this one, but whether it works is seen there"


def test_a_filter_whose_spamd_is_down_is_passed_over() -> None:
    links = with_scanner("filter", "spamassassin").files()["/etc/mailwiz/links/haproxy.cfg"].content
    own = links.partition("\nbackend spamassassin-own\n")[2].partition("\n\n")[0]
    asked = [line.strip().removeprefix("tcp-check ") for line in own.splitlines()]
    assert asked[1:3] == [f"connect port {SPAMASSASSIN.port}", f"connect port {layout.SPAMD_PORT}"]
    assert asked[4] == "expect string PONG"


@pytest.mark.parametrize("antivirus", [False, True])
@pytest.mark.parametrize("antispam", ["rspamd", "spamassassin", "none"])
def test_every_milter_runs_and_mail_waits_without_it(antispam: str, antivirus: bool) -> None:
    blueprint = made(antispam=antispam, antivirus=antivirus)
    config = main_cf(blueprint)
    running = {unit.name for unit in blueprint.units() if unit.running}
    ports = {port.number for port in blueprint.ports}
    known = (CLAMAV, RATE_LIMITER, MESSAGE_CHECKS, OPENDKIM, RSPAMD, SPAMASSASSIN)
    asked = [milter for milter in known if milter.address in config]
    assert asked
    assert {milter.unit for milter in asked} <= running
    assert {milter.port for milter in asked} <= ports
    assert not {milter.unit for milter in known if milter not in asked} & running
    assert "milter_default_action = tempfail" in config
    assert ("clamav-daemon.service" in running) == antivirus
    assert blueprint.meta["virus_scanner"] == ("clamav" if antivirus else "")


def test_users_mail_is_counted_scanned_and_signed_last() -> None:
    config = main_cf(made(antispam="spamassassin", antivirus=True))
    order = [MESSAGE_CHECKS, RATE_LIMITER, CLAMAV, SPAMASSASSIN, OPENDKIM]
    assert "submission_milters = " + " ".join(m.address for m in order) in config
    assert f"non_smtpd_milters = {OPENDKIM.address}\n" in config


def test_without_dkim_nothing_signs() -> None:
    plan = cases.plan(security={"dkim": {"enabled": False}}, services={"antispam": "none"})
    blueprint = compile_server(plan, "mx1", cases.facts())
    assert OPENDKIM.unit not in {unit.name for unit in blueprint.units()}


def test_all_filters_sign_with_the_same_key() -> None:
    places = set()
    for antispam in ("rspamd", "spamassassin", "none"):
        text = "\n".join(file.content for file in made(antispam=antispam).files().values())
        assert "/var/lib/rspamd/dkim/2026a.key" in text
        places |= {line for line in text.splitlines() if "PRIVATE KEY" in line}
    assert places == set()


def test_lists_are_not_asked_through_shared_resolvers() -> None:
    plan = cases.plan(services={"antispam": "spamassassin"})
    blueprint = compile_server(plan, "mx1", cases.behind_a_stripping_resolver())
    assert "skip_rbl_checks 1" in blueprint.files()["/etc/spamassassin/mailwiz.cf"].content
    timer = next(u for u in blueprint.units() if u.name == "spamassassin-maintenance.timer")
    assert (timer.running, timer.enabled) == (False, False)
    assert any("rules are not updated" in text for text in blueprint.findings)


@pytest.mark.parametrize(
    ("mirror", "words", "scanner"),
    [
        ("", "DatabaseMirror database.clamav.net", "clamav"),
        ("https://clamav.example.com/", "PrivateMirror https://clamav.example.com\n", "clamav"),
        ("https://a.example.com/own.hdb", "DatabaseCustomURL https://a.example.com/own.hdb", "clamav-small"),
    ],
)
def test_signatures_come_from_where_the_plan_says(mirror: str, words: str, scanner: str) -> None:
    plan = cases.plan(services={"antivirus": True, "clamav_mirror": mirror})
    assert words in signature_source(plan) + "\n"
    assert compile_server(plan, "mx1", cases.facts()).meta["virus_scanner"] == scanner


def test_debians_own_milter_is_kept_from_starting() -> None:
    masked = {u.name for u in made(antispam="none", antivirus=True).units() if isinstance(u, Unit) and u.masked}
    assert masked == {"clamav-milter.service"}


def test_mail_that_only_another_filter_marked_is_junk_where_there_is_none() -> None:
    script = made(antispam="none").files()["/etc/dovecot/sieve/junk.sieve"].content
    assert 'anyof (header :is "X-Spam" "Yes", header :is "X-Spam-Flag" "YES")' in script


@pytest.fixture
def milter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for python3-milter, which only servers have."""
    module = types.ModuleType("Milter")
    for name in ("CONTINUE", "REJECT", "TEMPFAIL"):
        setattr(module, name, name)
    module.Base = object  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "Milter", module)


@pytest.fixture
def rate_limiter(milter: None) -> Iterator[ModuleType]:
    """The module, loaded beside the stand-in."""
    name = "mailwiz_tui.stack.rate_limiter.rate_limiter"
    sys.modules.pop(name, None)
    yield importlib.import_module(name)
    sys.modules.pop(name, None)


def test_a_login_may_send_so_much_at_once_and_so_much_an_hour(rate_limiter: ModuleType, tmp_path: Path) -> None:
    now = [1000.0]
    path = str(tmp_path / "levels")
    limits = (rate_limiter.Limit(100, 200, 3600), rate_limiter.Limit(150, 1000, 86400))
    buckets = rate_limiter.Buckets(path, limits, lambda: now[0])
    assert [buckets.take("bob", 15) for _ in range(7)] == [True] * 6 + [False]
    assert buckets.take("carol", 15)
    now[0] += 1800
    assert [buckets.take("bob", 30) for _ in range(3)] == [True, True, False], "the second bucket is full"
    again = rate_limiter.Buckets(path, limits, lambda: now[0])
    assert not again.take("bob", 30), "a restart forgets nothing"
    now[0] += 86400
    assert again.take("bob", 120), "more than ever fit pass once, when nothing was sent before"
    assert not again.take("bob", 1)


class _Spamd(socketserver.StreamRequestHandler):
    answer = b""

    def handle(self) -> None:
        self.rfile.read()
        self.wfile.write(self.answer)


@pytest.fixture
def spamd() -> Iterator[tuple[type[_Spamd], int]]:
    class Handler(_Spamd):
        pass

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield Handler, server.server_address[1]
        server.shutdown()


ANSWER = b"SPAMD/1.1 0 EX_OK\r\nContent-length: 12\r\nSpam: True ; 7.3 / 6.0\r\n\r\nGTUBE,A_RULE\r\n"


def test_verdict_of_spamd_is_read(spamd: tuple[type[_Spamd], int]) -> None:
    handler, port = spamd
    handler.answer = ANSWER
    mail = io.BytesIO(b"Subject: a\r\n\r\nb\r\n")
    mail.seek(0, io.SEEK_END)
    assert Spamd("127.0.0.1", port, 5).verdict(mail) == Verdict(7.3, ("GTUBE", "A_RULE"))


@pytest.mark.parametrize(
    "answer", [b"", b"SPAMD/1.0 76 Bad header line\r\n\r\n", b"SPAMD/1.1 0 EX_OK\r\n\r\n", b"?"]
)
def test_what_is_no_verdict_is_never_taken_for_one(spamd: tuple[type[_Spamd], int], answer: bytes) -> None:
    handler, port = spamd
    handler.answer = answer
    with pytest.raises((OSError, ValueError)):
        Spamd("127.0.0.1", port, 5).verdict(io.BytesIO(b""))
