"""The records of a plan: what is there, what it says, and what is left out."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from mailwiz_tui.dns.record import Record
from mailwiz_tui.dns.records import plan_notes, plan_records
from mailwiz_tui.fleet.account_domains import learn
from mailwiz_tui.fleet.facts import DkimPublicKey, Facts, FactsFile, ServerRecord, TlsPublic
from mailwiz_tui.fleet.server import Inventory, Server
from mailwiz_tui.plan.model import Architecture, DmarcPolicy, Plan, PlanServer, Role, SpfPolicy, TlsProvider
from mailwiz_tui.topology.servers import account_store_id
from tests.unit.dns.dns_values import KEY, SPKI

SPECIFICATION = re.compile(r"\bRFC \d+|\bMS-[A-Z]+|\bdraft-\w+")
"""How a reason cites one: of the IETF, of Microsoft, or a draft that is in use before it has a number."""


def values(records: list[Record], name: str, kind: str) -> list[str]:
    return [r.value for r in records if (r.name, r.type) == (name, kind)]


def test_single_server_with_everything_known(plan: Plan, known: FactsFile) -> None:
    records = plan_records(plan, known)
    assert values(records, "mail.example.com", "A") == ["192.0.2.21"]
    assert values(records, "mail.example.com", "AAAA") == ["2001:db8::21"]
    assert values(records, "example.com", "MX") == ["10 mail.example.com."]
    assert values(records, "example.com", "TXT") == ["v=spf1 mx -all"]
    assert values(records, "mail.example.com", "TXT") == ["v=spf1 a -all"]
    assert values(records, "2026a._domainkey.example.com", "TXT") == [f"v=DKIM1; k=rsa; p={KEY}"]
    assert values(records, "_dmarc.example.com", "TXT") == ["v=DMARC1; p=quarantine; sp=quarantine; np=reject"]
    assert values(records, "_smtp._tls.example.com", "TXT") == ["v=TLSRPTv1; rua=mailto:postmaster@example.com"]
    assert values(records, "_25._tcp.mail.example.com", "TLSA") == [f"3 1 1 {SPKI}"]
    assert values(records, "mail.example.com", "CAA") == ['0 issue ";"']
    assert values(records, "_imaps._tcp.example.com", "SRV") == ["0 1 993 mail.example.com."]
    assert values(records, "_submissions._tcp.example.com", "SRV") == ["0 1 465 mail.example.com."]
    assert values(records, "_pop3._tcp.example.com", "SRV") == ["0 0 0 ."]
    assert values(records, "21.2.0.192.in-addr.arpa", "PTR") == ["mail.example.com."]
    assert [r.name for r in records if r.type == "PTR"][1].endswith(".8.b.d.0.1.0.0.2.ip6.arpa")
    assert not [r for r in records if r.pending]


def test_every_record_says_why_and_cites_a_standard(wide_plan: Plan, known: FactsFile) -> None:
    for record in plan_records(wide_plan, known):
        assert SPECIFICATION.search(record.reason), record
        assert record.name.endswith(record.domain) or record.type == "PTR"


def test_required_are_those_mail_does_not_work_without(plan: Plan, known: FactsFile) -> None:
    required = {r.type if r.type != "TXT" else r.value.split()[0] for r in plan_records(plan, known) if r.required}
    assert required == {"A", "AAAA", "MX", "v=spf1", "v=DKIM1;", "v=DMARC1;", "PTR"}


def test_nothing_known_yet_is_pending_and_says_why(plan: Plan) -> None:
    records = plan_records(plan, FactsFile())
    pending = {r.type: r for r in records if r.pending}
    assert set(pending) == {"A", "TXT", "TLSA"}
    assert pending["TXT"].shown == "<key not known yet: prepare generates it>"
    assert all(r.value == "" for r in pending.values())
    assert not [r for r in records if r.type == "PTR"]


def test_a_key_of_another_selector_is_not_this_ones(plan: Plan, known: FactsFile) -> None:
    plan.security.dkim.selector = "2027a"
    record = next(r for r in plan_records(plan, known) if "_domainkey" in r.name)
    assert record.name.startswith("2027a.")
    assert record.pending


def test_addresses_of_the_inventory_win(plan: Plan, known: FactsFile) -> None:
    inventory = Inventory(servers=(Server(id="mx1", host="10.0.0.1", public_ipv4="198.51.100.7"),))
    records = plan_records(plan, known, inventory)
    assert values(records, "mail.example.com", "A") == ["198.51.100.7"]
    assert values(records, "7.100.51.198.in-addr.arpa", "PTR") == ["mail.example.com."]


def test_server_without_ipv4(plan: Plan) -> None:
    known = FactsFile(servers={"mx1": ServerRecord(facts=Facts(public_ipv6="2001:db8::5"))})
    records = plan_records(plan, known)
    assert values(records, "mail.example.com", "A") == []
    assert values(records, "mail.example.com", "AAAA") == ["2001:db8::5"]


def test_additional_and_relay_domains(wide_plan: Plan, known: FactsFile) -> None:
    records = plan_records(wide_plan, known)
    assert values(records, "example.org", "MX") == ["10 mail.example.com."]
    assert values(records, "2026a._domainkey.example.org", "TXT") == [f"v=DKIM1; k=rsa; p={KEY}"]
    assert values(records, "_imaps._tcp.example.org", "SRV") == ["0 1 993 mail.example.com."]
    assert {(r.type, r.name) for r in records if r.domain == "example.net"} == {
        ("MX", "example.net"),
        ("TXT", "_smtp._tls.example.net"),
    }
    assert any(
        n.domain == "example.net" and "mail.inside.example.net" in n.text for n in plan_notes(wide_plan, known)
    )
    assert [r.domain for r in records] == sorted((r.domain for r in records), key=wide_plan.all_domains().index)


@pytest.mark.parametrize(
    ("policy", "ending"), [(SpfPolicy.STRICT, " -all"), (SpfPolicy.SOFTFAIL, " ~all"), (SpfPolicy.NEUTRAL, " ?all")]
)
def test_spf_policies_and_includes(plan: Plan, known: FactsFile, policy: SpfPolicy, ending: str) -> None:
    plan.security.spf.policy = policy
    plan.security.spf.includes = ["spf.example.net"]
    assert values(plan_records(plan, known), "example.com", "TXT") == [f"v=spf1 mx include:spf.example.net{ending}"]


def test_too_many_spf_lookups_are_named(plan: Plan, known: FactsFile) -> None:
    plan.security.spf.includes = [f"i{n}.example.net" for n in range(9)]
    assert not [n for n in plan_notes(plan, known) if n.subject == "SPF"]
    plan.security.spf.includes = [f"i{n}.example.net" for n in range(10)]
    assert "11 look-ups" in next(n.text for n in plan_notes(plan, known) if n.subject == "SPF")


def test_smart_host_without_include_is_warned(plan: Plan, known: FactsFile) -> None:
    plan.network.relay_host = "smtp.provider.example"
    assert "smtp.provider.example" in next(n.text for n in plan_notes(plan, known) if n.subject == "SPF")


def test_hostname_that_is_the_domain_has_one_spf_record_and_no_caa(plan: Plan, known: FactsFile) -> None:
    plan.domain.hostname = "example.com"
    records = plan_records(plan, known)
    assert values(records, "example.com", "TXT") == ["v=spf1 mx -all"]
    assert not [r for r in records if r.type == "CAA"]


def test_hostname_in_a_foreign_zone_goes_to_that_zone(plan: Plan, known: FactsFile) -> None:
    plan.domain.hostname = "mail.hoster.example"
    address = next(r for r in plan_records(plan, known) if r.type == "A")
    assert (address.domain, address.host) == ("hoster.example", "mail")


@pytest.mark.parametrize(
    ("policy", "np"),
    [(DmarcPolicy.NONE, "none"), (DmarcPolicy.QUARANTINE, "reject"), (DmarcPolicy.REJECT, "reject")],
)
def test_dmarc_follows_rfc_9989(plan: Plan, known: FactsFile, policy: DmarcPolicy, np: str) -> None:
    plan.security.dmarc.policy = policy
    (text,) = values(plan_records(plan, known), "_dmarc.example.com", "TXT")
    assert text == f"v=DMARC1; p={policy}; sp={policy}; np={np}"
    assert not any(tag in text for tag in ("pct=", "rf=", "ri="))


def test_dmarc_percentage_is_written_with_a_warning(plan: Plan, known: FactsFile) -> None:
    plan.security.dmarc.percentage = 25
    assert "; pct=25" in values(plan_records(plan, known), "_dmarc.example.com", "TXT")[0]
    assert any("RFC 9989" in n.text for n in plan_notes(plan, known))


def test_reports_to_another_domain_need_its_permission(wide_plan: Plan, known: FactsFile) -> None:
    wide_plan.security.dmarc.rua = "dmarc@example.com,x@reports.example"
    wide_plan.security.dmarc.ruf = "forensic@example.com"
    records = plan_records(wide_plan, known)
    text = values(records, "_dmarc.example.org", "TXT")[0]
    assert "rua=mailto:dmarc@example.com,mailto:x@reports.example; ruf=mailto:forensic@example.com; fo=1" in text
    by_name = {r.name: r for r in records if "_report" in r.name}
    assert set(by_name) == {
        "example.org._report._dmarc.example.com",
        "example.com._report._dmarc.reports.example",
        "example.org._report._dmarc.reports.example",
    }
    assert by_name["example.org._report._dmarc.example.com"].domain == "example.com"
    assert "reports.example" in by_name["example.com._report._dmarc.reports.example"].note


def test_dkim_off_says_so(plan: Plan, known: FactsFile) -> None:
    plan.security.dkim.enabled = False
    assert not [r for r in plan_records(plan, known) if "_domainkey" in r.name]
    assert any(n.subject == "DKIM" for n in plan_notes(plan, known))


def test_selfsigned_leaves_out_what_needs_a_web_server(plan: Plan, known: FactsFile) -> None:
    names = [r.name for r in plan_records(plan, known)]
    assert not [
        n for n in names if n.startswith(("_mta-sts", "mta-sts", "autoconfig", "autodiscover", "_autodisc"))
    ]
    assert {"MTA-STS", "Autoconfig and Autodiscover"} <= {n.subject for n in plan_notes(plan, known)}


def test_letsencrypt_brings_them(plan: Plan, known: FactsFile) -> None:
    plan.security.tls.provider = TlsProvider.LETSENCRYPT
    records = plan_records(plan, known)
    (text,) = values(records, "_mta-sts.example.com", "TXT")
    assert text.startswith("v=STSv1; id=")
    assert values(records, "mta-sts.example.com", "CNAME") == ["mail.example.com."]
    assert values(records, "_autodiscover._tcp.example.com", "SRV") == ["0 1 443 mail.example.com."]
    assert values(records, "mail.example.com", "CAA") == ['0 issue "letsencrypt.org"', '0 issuewild ";"']
    plan.domain.hostname = "mx.example.com"
    assert values(plan_records(plan, known), "_mta-sts.example.com", "TXT") != [text]


@pytest.mark.parametrize(
    ("issuer", "trusted", "authority"),
    [
        ("CN=DigiCert Global G3 TLS ECC SHA384 2020 CA1,O=DigiCert Inc,C=US", True, "digicert.com"),
        ("CN=E7,O=Let's Encrypt,C=US", True, "letsencrypt.org"),
        ("CN=Sectigo Public Server Authentication CA DV R36,O=Sectigo Limited,C=GB", True, "sectigo.com"),
        ("CN=Our own CA,O=Example Corp", False, ""),
        ("CN=DigiCert look-alike,O=Example Corp", False, ""),
        ("CN=Some Authority,O=Nobody knows", True, ""),
    ],
)
def test_the_authority_of_a_bought_certificate_is_named_where_it_is_known(
    plan: Plan, known: FactsFile, issuer: str, trusted: bool, authority: str
) -> None:
    plan.security.tls.provider = TlsProvider.CUSTOM
    public = TlsPublic(subject_names=("mail.example.com",), issuer=issuer, trusted=trusted)
    known = known.model_copy(update={"custom": public})
    wanted = [f'0 issue "{authority}"', '0 issuewild ";"'] if authority else []
    assert values(plan_records(plan, known), "mail.example.com", "CAA") == wanted
    assert ("CAA" in {note.subject for note in plan_notes(plan, known)}) is not bool(authority)


def spread(plan: Plan) -> Plan:
    plan.architecture = Architecture.DISTRIBUTED
    plan.servers = [
        PlanServer(id="in1", roles=[Role.MX_INBOUND]),
        PlanServer(id="out1", roles=[Role.MX_OUTBOUND]),
        PlanServer(id="out2", roles=[Role.MX_OUTBOUND]),
        PlanServer(id="store", roles=[Role.MAIL_STORAGE]),
    ]
    return plan


def test_several_servers_have_names_and_selectors_of_their_own(plan: Plan) -> None:
    addresses = {"in1": "192.0.2.1", "out1": "192.0.2.2", "out2": "192.0.2.3", "store": "192.0.2.4"}
    known = FactsFile(
        servers={
            name: ServerRecord(
                facts=Facts(public_ipv4=ip), dkim=(DkimPublicKey(selector=f"2026a-{name}", public_key=KEY),)
            )
            for name, ip in addresses.items()
        }
    )
    records = plan_records(spread(plan), known)
    assert values(records, "example.com", "MX") == ["10 in1.example.com."]
    assert values(records, "example.com", "TXT") == ["v=spf1 mx a:out1.example.com a:out2.example.com -all"]
    assert values(records, "out2.example.com", "TXT") == ["v=spf1 a -all"]
    assert values(records, "mail.example.com", "A") == ["192.0.2.2", "192.0.2.3"]
    assert values(records, "store.example.com", "A") == []
    assert values(records, "_imaps._tcp.example.com", "SRV") == ["0 1 993 mail.example.com."]
    assert values(records, "_submissions._tcp.example.com", "SRV") == ["0 1 465 mail.example.com."]
    assert values(records, "2026a-out1._domainkey.example.com", "TXT") != []
    assert values(records, "2026a-out2._domainkey.example.com", "TXT") != []
    assert values(records, "_imaps._tcp.example.com", "SRV") == ["0 1 993 mail.example.com."]
    assert {r.value for r in records if r.type == "PTR"} == {"out1.example.com.", "out2.example.com."}


def test_the_reason_of_an_address_names_what_points_to_that_host(plan: Plan) -> None:
    one = plan_records(plan, FactsFile())
    assert one[0].reason == (
        "IPv4 address of mail.example.com. MX and the service records point to this name (RFC 1035)."
    )
    reasons = {
        record.name: record.reason for record in plan_records(spread(plan), FactsFile()) if record.type == "A"
    }
    assert "The service records point to this name" in reasons["mail.example.com"]
    assert "The MX records point to this name" in reasons["in1.example.com"]
    assert "The server greets other servers with this name" in reasons["out1.example.com"]


def test_cluster_name_is_the_virtual_address(plan: Plan, known: FactsFile) -> None:
    plan.architecture = Architecture.HA_CLUSTER
    plan.cluster.virtual_ip = "192.0.2.99"
    plan.servers.append(PlanServer(id="mx2", roles=[Role.ALL_IN_ONE]))
    records = plan_records(plan, known)
    assert values(records, "mail.example.com", "A") == ["192.0.2.99"]
    assert values(records, "example.com", "MX") == ["10 mx1.example.com.", "10 mx2.example.com."]


@pytest.mark.parametrize("change", [lambda p: None, spread], ids=["single", "spread"])
def test_a_plan_without_servers_or_facts_still_gives_records(plan: Plan, change: Callable[[Plan], object]) -> None:
    change(plan)
    assert plan_records(plan, FactsFile())
    plan.servers = []
    assert plan_records(plan, FactsFile())


def test_domains_that_only_the_accounts_have_get_the_same_records_at_the_end(plan: Plan, known: FactsFile) -> None:
    before = plan_records(plan, known)
    assert learn(known, account_store_id(plan), ["example.com", "shop.test"])
    records = plan_records(plan, known)
    assert records[: len(before)] == before
    assert plan_records(plan, known, accounts=False) == before
    further = records[len(before) :]
    assert values(further, "shop.test", "MX") == ["10 mail.example.com."]
    assert values(further, "shop.test", "TXT") == ["v=spf1 mx -all"]
    assert values(further, "2026a._domainkey.shop.test", "TXT") == [f"v=DKIM1; k=rsa; p={KEY}"]
    assert values(further, "_dmarc.shop.test", "TXT")
    assert {r.domain for r in further} == {"shop.test"}
    (note,) = [n for n in plan_notes(plan, known) if n.domain == "shop.test"]
    assert "step 3" in note.text


def test_where_the_accounts_are_not_known_or_agree_nothing_is_added(plan: Plan, known: FactsFile) -> None:
    before = plan_records(plan, known)
    assert not learn(known, account_store_id(plan), None)
    assert learn(known, account_store_id(plan), ["example.com"])
    assert not learn(known, account_store_id(plan), ["example.com"])
    assert plan_records(plan, known) == before


def test_the_mail_hostname_of_several_servers_has_the_keys_of_all_at_the_ports_for_mail_programs(
    plan: Plan,
) -> None:
    keys = {"in1": "1" * 64, "out1": "a" * 64, "out2": "b" * 64}
    known = FactsFile(servers={name: ServerRecord(tls=TlsPublic(spki_sha256=spki)) for name, spki in keys.items()})
    records = plan_records(spread(plan), known)
    assert {r.name: values(records, r.name, "TLSA") for r in records if r.type == "TLSA"} == {
        "_25._tcp.in1.example.com": [f"3 1 1 {keys['in1']}"],
        **{
            f"_{port}._tcp.mail.example.com": [f"3 1 1 {keys[name]}" for name in ("out1", "out2")]
            for port in (143, 465, 587, 993, 4190)
        },
    }


def test_one_server_has_its_key_on_port_25_alone(plan: Plan, known: FactsFile) -> None:
    assert [r.name for r in plan_records(plan, known) if r.type == "TLSA"] == ["_25._tcp.mail.example.com"]
