"""Properties of every blueprint: complete, deterministic, without secrets, and made without a connection."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailwiz_tui.agent.protocol.blueprint import AgentBlueprint
from mailwiz_tui.agent.protocol.codec import from_json, to_json
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Blueprint, Command, File, Packages, Scope, Unit
from mailwiz_tui.stack.compile import compile_server

from . import cases

NO_COMMENTS = {"/etc/hostname", "/etc/mailname", "/etc/postsrsd.secret"}
MADE_BY_PREPARE = {layout.TLS_CHAIN, layout.TLS_KEY, layout.INTERNAL_IDENTITY}

KNOWN = st.builds(
    cases.facts,
    recursion=st.sampled_from([True, False, None]),
    recursion_dnssec=st.sampled_from([True, False, None]),
    resolvers=st.lists(
        st.fixed_dictionaries(
            {"address": st.sampled_from(["192.0.2.53", "10.0.0.1", "127.0.0.53"]), "dnssec": st.booleans()}
        ),
        max_size=3,
    ),
    public_ipv6=st.sampled_from(["", "2001:db8::21"]),
    cpus=st.integers(0, 64),
    memory_total=st.integers(0, 2**40),
    ssh_ports=st.lists(st.integers(1, 65535), max_size=3).map(tuple),
)


def plain() -> Blueprint:
    return compile_server(cases.plan(), "mx1", cases.facts())


def main_cf(blueprint: Blueprint) -> str:
    return blueprint.files()["/etc/postfix/main.cf"].content


def test_nothing_is_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("the compiler opened a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    plain()


SERVICES = st.fixed_dictionaries(
    {"antispam": st.sampled_from(["rspamd", "spamassassin", "none"]), "antivirus": st.booleans()}
)


@given(known=KNOWN, services=SERVICES)
@settings(max_examples=60, deadline=None)
def test_every_blueprint_is_sound(known: FactsFile, services: dict[str, object]) -> None:
    plan = cases.plan(services=services)
    blueprint = compile_server(plan, "mx1", known)
    files = blueprint.files()
    text = json.dumps(blueprint.to_json())

    assert text == json.dumps(compile_server(plan, "mx1", known).to_json()), "not deterministic"
    sent = json.loads(json.dumps(to_json(blueprint.for_agent())))
    assert from_json(AgentBlueprint, sent) == blueprint.for_agent(), "the agent reads something else"
    assert not re.search(r"\{[=:]", text), "a delimiter of a template was left"
    for path, file in files.items():
        assert path in NO_COMMENTS or "Managed by mailwiz-tui" in "".join(file.content.splitlines(True)[:3]), path
    declared = {secret.name for secret in blueprint.secrets}
    assert set(re.findall(r"\{\{secret:([^}]*)\}\}", text)) == declared
    for _, item in blueprint.items():
        if isinstance(item, Unit):
            assert {*item.restart_on, *item.reload_on} <= files.keys() | MADE_BY_PREPARE, item.name
        if isinstance(item, Command):
            assert set(item.inputs) <= files.keys(), item.id
            assert "{{secret:" not in " ".join(item.argv)
        if isinstance(item, File) and "{{secret:" in item.content:
            assert not item.mode & 0o007, f"{item.path} holds a secret that all may read"
    for ids in (
        [step.id for step in blueprint.steps],
        [probe.id for probe in blueprint.probes],
        [(port.number, port.protocol) for port in blueprint.ports],
        [item.id for _, item in blueprint.items() if isinstance(item, Command)],
        [item.path for _, item in blueprint.items() if isinstance(item, File)],
    ):
        assert len(set(ids)) == len(ids)


@given(known=KNOWN)
@settings(max_examples=40, deadline=None)
def test_firewall_opens_ssh_and_public_ports_and_nothing_else(known: FactsFile) -> None:
    blueprint = compile_server(cases.plan(), "mx1", known)
    rules = blueprint.files()["/etc/mailwiz/firewall.nft"].content
    opened = {int(n) for group in re.findall(r"tcp dport \{ ([0-9, ]+) \} accept", rules) for n in group.split(",")}
    facts = known.servers["mx1"].facts
    public = {port.number for port in blueprint.ports if port.scope is Scope.PUBLIC}
    assert opened == public | set(facts.ssh_ports or (22,))
    assert "flush ruleset" not in rules
    lockout = [step.id for step in blueprint.steps if step.lockout]
    assert lockout == ["nftables"]
    ids = [step.id for step in blueprint.steps]
    assert set(ids[ids.index("nftables") + 1 :]) <= {"certbot", "backup"}, (
        "what needs the open ports, and what looks at all"
    )


@given(known=KNOWN)
@settings(max_examples=60, deadline=None)
def test_dane_and_blocklists_only_where_they_work(known: FactsFile) -> None:
    blueprint = compile_server(cases.plan(), "mx1", known)
    unbound = blueprint.files()["/etc/unbound/unbound.conf.d/mailwiz.conf"].content
    config = main_cf(blueprint)
    validates = 'module-config: "validator iterator"' in unbound
    forwards = "forward-zone:" in unbound
    assert ("smtp_tls_security_level = dane" in config) == validates
    assert ("postscreen_dnsbl_sites" in config) == (not forwards)
    if not validates:
        assert any("DANE" in text for text in blueprint.findings)
    if forwards:
        assert any("blocklists" in text for text in blueprint.findings)
        assert not re.search(r"forward-addr: 127\.", unbound), "the host would ask itself"


def test_packages_come_first_and_in_one_step() -> None:
    blueprint = plain()
    assert [isinstance(item, Packages) for item in blueprint.steps[0].items] == [True]
    assert all(not isinstance(item, Packages) for step in blueprint.steps[1:] for item in step.items)
    assert {"postfix", "dovecot-imapd", "rspamd", "dns-root-data", "python3-systemd"} <= set(blueprint.packages())


def test_missing_facts_make_a_blueprint_all_the_same() -> None:
    assert "smtp_tls_security_level = dane" in main_cf(compile_server(cases.plan(), "mx1", FactsFile()))


def test_a_server_that_is_not_planned_is_refused() -> None:
    with pytest.raises(KeyError, match="mx9"):
        compile_server(cases.plan(), "mx9", cases.facts())


def test_forwarders_of_the_plan_come_before_the_hosts_own() -> None:
    plan = cases.plan(network={"resolvers": ["192.0.2.99"]})
    blocked = cases.facts(recursion=False, recursion_dnssec=False)
    unbound = compile_server(plan, "mx1", blocked).files()["/etc/unbound/unbound.conf.d/mailwiz.conf"].content
    assert re.findall(r"forward-addr: (\S+)", unbound) == ["192.0.2.99"]


def test_a_resolver_that_strips_signatures_is_left_out_where_another_does_not() -> None:
    known = cases.facts(
        recursion=False,
        resolvers=[{"address": "10.0.0.1", "dnssec": False}, {"address": "10.0.0.2", "dnssec": True}],
    )
    blueprint = compile_server(cases.plan(), "mx1", known)
    unbound = blueprint.files()["/etc/unbound/unbound.conf.d/mailwiz.conf"].content
    assert re.findall(r"forward-addr: (\S+)", unbound) == ["10.0.0.2"]
    assert any("10.0.0.1" in text for text in blueprint.findings)


def test_senders_of_own_domains_are_let_in_where_spf_names_others() -> None:
    plan = cases.plan(security={"spf": {"includes": ["_spf.example.net"]}})
    assert "own-senders.cf" in main_cf(plain())
    assert "own-senders.cf" not in main_cf(compile_server(plan, "mx1", cases.facts()))


def test_without_dkim_nothing_is_signed_and_no_key_is_asked_for() -> None:
    plan = cases.plan(security={"dkim": {"enabled": False}})
    blueprint = compile_server(plan, "mx1", cases.facts())
    assert "enabled = false;" in blueprint.files()["/etc/rspamd/local.d/dkim_signing.conf"].content
    assert "rspamd.dkim-key" not in {probe.id for probe in blueprint.probes}


def test_a_foreign_redis_is_left_running() -> None:
    def stopped(known: FactsFile) -> bool:
        return any(u.name == "redis-server.service" for u in compile_server(cases.plan(), "mx1", known).units())

    assert stopped(cases.facts())
    assert not stopped(
        cases.facts(
            listeners=[{"protocol": "tcp", "address": "127.0.0.1", "port": 6379, "process": "redis-server"}]
        )
    )


def test_fail2ban_is_restarted_because_a_reload_makes_its_jails_deaf() -> None:
    unit = next(u for u in plain().units() if u.name == "fail2ban.service")
    assert "/etc/fail2ban/jail.d/mailwiz.conf" in unit.restart_on
    assert not unit.reload_on


DOVECOT_2_4 = "imap-login: Login aborted: Logged out (auth failed, 1 attempts in 3 secs) (auth_failed): "
DOVECOT_2_3 = "imap-login: Disconnected: Connection closed (auth failed, 1 attempts in 2 secs): "


@pytest.mark.parametrize(
    ("line", "banned"),
    [
        (
            DOVECOT_2_4 + "user=<a@b.c>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, TLS, session=<a+/=>",
            "192.0.2.9",
        ),
        (
            DOVECOT_2_4
            + "user=<x>, method=PLAIN, rip=2001:db8::9, lip=2001:db8::1, TLS: Connection closed, session=<a>",
            "2001:db8::9",
        ),
        (
            DOVECOT_2_4
            + "user=<x>, method=PLAIN, rip=203.0.113.1, lip=1.1.1.1, session=<a>>, method=PLAIN, rip=192.0.2.9, "
            "lip=192.0.2.1, TLS, session=<a>",
            "192.0.2.9",
        ),
        (
            DOVECOT_2_3 + "user=<x>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, "
            "TLS: read(size=686) failed: Connection reset by peer, session=<a>",
            "192.0.2.9",
        ),
        (
            DOVECOT_2_3.replace(": Connection closed", "")
            + "user=<x>, rip=2001:db8::9, lip=2001:db8::1, session=<a>",
            "2001:db8::9",
        ),
        (
            DOVECOT_2_3
            + "user=<x>, rip=203.0.113.1, lip=1.1.1.1, TLS: read(size=1)>, rip=192.0.2.9, lip=192.0.2.1, TLS",
            "192.0.2.9",
        ),
        ("imap-login: Login: user=<a@b.c>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, TLS", ""),
        (
            "imap-login: Disconnected: Connection closed (no auth attempts in 0 secs): user=<>, rip=192.0.2.9, "
            "lip=192.0.2.1, TLS: Connection closed, session=<a>",
            "",
        ),
        ("imap-login: Logged in: user=<a@b.c>, method=PLAIN, rip=192.0.2.9, lip=192.0.2.1, mpid=1, TLS", ""),
        (
            "imap-login: Login aborted: Connection closed (no auth attempts in 0 secs) (no_auth_attempts): "
            "user=<>, rip=192.0.2.9, lip=192.0.2.1, session=<a>",
            "",
        ),
    ],
)
def test_failed_logins_at_dovecot_are_seen_with_the_address_they_came_from(line: str, banned: str) -> None:
    config = plain().files()["/etc/fail2ban/filter.d/mailwiz-dovecot.conf"].content
    (pattern,) = re.findall(r"^failregex = (.*)$", config, re.M)
    expression = pattern.replace("%(__prefix_line)s", "").replace("<HOST>", r"(?P<host>[0-9a-f.:]+)")
    found = re.search(expression, line)
    assert (found["host"] if found else "") == banned


def test_only_the_host_itself_is_local_to_the_filter() -> None:
    files = plain().files()
    assert 'local_addrs = ["127.0.0.0/8", "::1"]' in files["/etc/rspamd/override.d/options.inc"].content
    assert "local_addrs" not in files["/etc/rspamd/local.d/options.inc"].content


@pytest.mark.parametrize("server_id", ["out1", "store1"])
def test_dovecot_of_debian_12_trusts_the_other_servers_in_the_setting_that_its_proxies_read(server_id: str) -> None:
    known = cases.distributed_facts(codename="bookworm", os_version="12")
    config = compile_server(cases.distributed(), server_id, known).files()["/etc/dovecot/dovecot.conf"].content
    assert "ssl_ca = </etc/mailwiz/internal/peers.pem\nssl_require_crl = no\n" in config
    assert "\nssl_client_ca_file" not in config


ORDERS = {
    "Configure",
    "Copy",
    "Create",
    "Grant",
    "Harden",
    "Install",
    "Keep",
    "List",
    "Load",
    "Make",
    "Mount",
    "Name",
    "Remove",
    "Set",
    "Stop",
    "Use",
    "Wait",
}


def every_kind_of_plan() -> Iterator[tuple[Plan, FactsFile]]:
    """Plans that together have every component."""
    all_of_it = {"antivirus": True, "webmail": "roundcube", "admin_panel": "postfixadmin"}
    for antispam in ("rspamd", "spamassassin", "none"):
        services = {**all_of_it, "antispam": antispam}
        security = {"tls": {"provider": "letsencrypt"}, "dkim": {"selector": "2026a"}, "ssh_hardening": True}
        backup = {"target": "/srv/backup"}
        yield cases.plan(services=services, security=security, backup=backup), cases.facts()
        yield cases.distributed(services=services, backup=backup), cases.distributed_facts()
    for kind in ("nfs", "s3"):
        storage = {
            "type": kind,
            "nfs_server": "nfs.example.com",
            "nfs_export": "/srv/vmail",
            "s3_endpoint": "https://s3.example.com",
            "s3_bucket": "example-mail",
            "s3_access_key": "A",
        }
        yield cases.plan(storage=storage), cases.facts()


def test_every_title_of_a_step_is_an_order_that_fits_into_80_columns() -> None:
    """No title is cut in the dashboard's list of steps; two of one server never look alike."""
    for plan, known in every_kind_of_plan():
        for server in plan.servers:
            titles = [step.title for step in compile_server(plan, server.id, known).steps]
            assert [title for title in titles if len(title) > 34] == []
            assert {title.split()[0] for title in titles} <= ORDERS
            assert len(titles) == len(set(titles))
