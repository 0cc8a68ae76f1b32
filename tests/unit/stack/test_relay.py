"""What relay domains and a smart host put on a server."""

from __future__ import annotations

import re
from typing import Any

import pytest

from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.stack.blueprint import Absent, Blueprint
from mailwiz_tui.stack.compile import compile_server

from . import cases

RELAY = {
    "primary_domain": "example.com",
    "hostname": "mail.example.com",
    "additional_domains": [
        {"name": "partner.example.org", "kind": "relay", "relay_host": "[mx.internal.example.org]:2525"},
        {"name": "by-address.example.org", "kind": "relay", "relay_host": "2001:db8::9"},
        {"name": "example.org"},
    ],
}


def compiled(**changes: Any) -> Blueprint:
    return compile_server(cases.plan(**changes), "mx1", cases.facts())


def text(blueprint: Blueprint, path: str) -> str:
    return blueprint.files()[path].content


def settings(blueprint: Blueprint) -> dict[str, str]:
    """main.cf, read as postconf(5) says."""
    lines = [line for line in text(blueprint, "/etc/postfix/main.cf").split("\n") if not line.startswith("#")]
    joined = re.sub(r"\n\s+", " ", "\n".join(line for line in lines if line.strip()))
    return {name.strip(): value.strip() for name, _, value in (line.partition("=") for line in joined.split("\n"))}


def test_relay_domains_go_to_their_next_hops_and_their_recipients_are_verified() -> None:
    blueprint = compiled(domain=RELAY)
    main = settings(blueprint)
    assert main["relay_domains"] == "partner.example.org, by-address.example.org"
    assert main["transport_maps"] == "texthash:/etc/postfix/mailwiz-transport"
    routes = text(blueprint, "/etc/postfix/mailwiz-transport")
    assert "\npartner.example.org relay:[mx.internal.example.org]:2525\n" in routes
    assert "\nby-address.example.org relay:[2001:db8::9]\n" in routes
    assert "example.org relay" not in routes.replace("partner.example.org", "").replace(
        "by-address.example.org", ""
    )
    asked = text(blueprint, "/etc/postfix/mailwiz-relay-recipients")
    assert asked.count("reject_unverified_recipient") == 2
    order = main["smtpd_recipient_restrictions"]
    check = "check_recipient_access texthash:/etc/postfix/mailwiz-relay-recipients"
    assert order.index("reject_unauth_destination") < order.index(check)
    assert (main["unverified_recipient_reject_code"], main["unverified_recipient_defer_code"]) == ("550", "450")
    assert "parent_domain_matches_subdomains" in main
    assert main["parent_domain_matches_subdomains"] == ""


def test_relay_domains_are_not_signed_for() -> None:
    blueprint = compiled(domain=RELAY)
    for path in ("/etc/rspamd/local.d/dkim_signing.conf", "/etc/rspamd/local.d/arc.conf"):
        assert "partner.example.org" not in text(blueprint, path)


def test_the_dns_of_a_relay_domain_leads_here_and_leaves_its_sending_alone() -> None:
    records = plan_records(cases.plan(domain=RELAY), cases.facts())
    mine = {(r.name, r.type) for r in records if r.domain == "partner.example.org"}
    assert ("partner.example.org", "MX") in mine
    assert not any(
        r.type == "TXT" and r.value.startswith("v=spf1") for r in records if r.domain == "partner.example.org"
    )
    assert not any("_domainkey" in name or name.startswith("_dmarc") for name, _ in mine)


def test_without_relay_domains_nothing_is_verified() -> None:
    main = settings(compiled())
    assert main["relay_domains"] == ""
    assert "transport_maps" not in main
    assert "mailwiz-relay-recipients" not in main["smtpd_recipient_restrictions"]
    assert "relayhost" not in main


@pytest.mark.parametrize(
    ("host", "level", "implicit"),
    [
        ("[smtp.provider.example]:587", "secure", "no"),
        ("[smtp.provider.example]:465", "secure", "yes"),
        ("provider.example", "secure", "no"),
        ("[192.0.2.25]:587", "encrypt", "no"),
    ],
)
def test_the_smart_host_is_reached_over_tls_only(host: str, level: str, implicit: str) -> None:
    blueprint = compiled(network={"relay_host": host})
    main = settings(blueprint)
    assert (main["relayhost"], main["default_transport"]) == (host, "smarthost")
    service = text(blueprint, "/etc/postfix/master.cf").partition("\nsmarthost ")[2].partition("\nshowq")[0]
    assert f"smtp_tls_security_level={level}\n" in service
    assert f"smtp_tls_wrappermode={implicit}" in service
    assert "sasl" not in service
    assert blueprint.meta["outbound_tls"] == level
    assert "postfix.smart-host" in {probe.id for probe in blueprint.probes}


def test_the_smart_hosts_password_is_a_given_secret_for_root_alone() -> None:
    network = {"relay_host": "[smtp.provider.example]:587", "relay_user": "acme@provider.example"}
    blueprint = compiled(network=network)
    file = blueprint.files()["/etc/postfix/mailwiz-smart-host"]
    assert (file.owner, file.group, file.mode) == ("root", "root", 0o600)
    assert file.content.endswith("\n[smtp.provider.example]:587 acme@provider.example:{{secret:smart-host}}\n")
    (secret,) = (s for s in blueprint.secrets if s.name == "smart-host")
    assert secret.given == "password of the smart host"
    assert "libsasl2-modules" in blueprint.packages()
    (unit,) = (u for u in blueprint.units() if u.name == "postfix.service")
    assert file.path in unit.reload_on
    (probe,) = (p for p in blueprint.probes if p.id == "postfix.smart-host")
    assert "acme" not in " ".join(probe.argv)


def test_a_password_that_is_no_longer_wanted_is_taken_away() -> None:
    for blueprint in (compiled(), compiled(network={"relay_host": "[smtp.provider.example]:587"})):
        absent = [item.path for _, item in blueprint.items() if isinstance(item, Absent)]
        assert "/etc/postfix/mailwiz-smart-host" in absent
        assert not any(s.name == "smart-host" for s in blueprint.secrets)


@pytest.mark.parametrize(
    ("host", "term"),
    [
        ("[smtp.provider.example]:587", "a:smtp.provider.example"),
        ("provider.example", "mx:provider.example a:provider.example"),
        ("[192.0.2.25]", "ip4:192.0.2.25"),
        ("[2001:db8::25]:587", "ip6:2001:db8::25"),
    ],
)
def test_spf_lists_the_smart_host(host: str, term: str) -> None:
    records = plan_records(cases.plan(network={"relay_host": host}), cases.facts())
    (spf,) = (r.value for r in records if r.name == "example.com" and r.value.startswith("v=spf1"))
    assert spf == f"v=spf1 mx {term} -all"
    includes = {"relay_host": host}
    security = {"tls": {"provider": "selfsigned"}, "spf": {"includes": ["_spf.provider.example"]}}
    records = plan_records(cases.plan(network=includes, security=security), cases.facts())
    (spf,) = (r.value for r in records if r.name == "example.com" and r.value.startswith("v=spf1"))
    assert spf == f"v=spf1 mx {term} include:_spf.provider.example -all"


def test_a_blocked_port_25_is_no_trouble_with_a_smart_host() -> None:
    known = cases.facts(outbound_25_ipv4=False, outbound_25_ipv6=False)
    without = compile_server(cases.plan(), "mx1", known).findings
    assert any("network.relay_host" in finding for finding in without)
    with_one = cases.plan(network={"relay_host": "[smtp.provider.example]:587"})
    assert not any("Port 25" in finding for finding in compile_server(with_one, "mx1", known).findings)
