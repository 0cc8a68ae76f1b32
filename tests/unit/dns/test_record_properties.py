"""What holds for the records of any plan, whatever is known of its servers."""

from __future__ import annotations

import json

import dns.rdata
import dns.rdataclass
from hypothesis import given, settings
from hypothesis import strategies as st

from mailwiz_tui.dns.export import as_json, as_text, as_web_values
from mailwiz_tui.dns.match import State, judge
from mailwiz_tui.dns.records import plan_notes, plan_records
from mailwiz_tui.fleet.facts import DkimPublicKey, Facts, FactsFile, ServerRecord, TlsPublic
from mailwiz_tui.plan.model import Plan

ROLES = ["mx-inbound", "mx-outbound", "mail-storage", "antispam", "all-in-one"]
DOMAINS = ["example.com", "example.org", "sub.example.com", "bücher.example"]


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    ids = draw(st.lists(st.sampled_from(["mx1", "MX.2", "out_3", "store"]), unique=True))
    domains = draw(st.lists(st.sampled_from(DOMAINS), unique=True, min_size=1))
    kinds = st.sampled_from([{"kind": "mailbox"}, {"kind": "relay", "relay_host": "in.example.net"}])
    return Plan.model_validate(
        {
            "architecture": draw(st.sampled_from(["single", "distributed", "ha-cluster"])),
            "servers": [{"id": i, "roles": draw(st.lists(st.sampled_from(ROLES), unique=True))} for i in ids],
            "domain": {
                "primary_domain": domains[0],
                "hostname": draw(st.sampled_from(["mail.example.com", "example.com", "mail.hoster.example"])),
                "additional_domains": [{"name": d, **draw(kinds)} for d in domains[1:]],
            },
            "security": {
                "tls": {"provider": draw(st.sampled_from(["letsencrypt", "custom", "selfsigned"]))},
                "dkim": {"enabled": draw(st.booleans()), "selector": "2026a"},
                "dmarc": {
                    "policy": draw(st.sampled_from(["none", "quarantine", "reject"])),
                    "rua": draw(st.sampled_from(["", "a@example.com", "a@example.org,b@reports.example"])),
                    "percentage": draw(st.integers(0, 100)),
                },
            },
            "cluster": {"virtual_ip": draw(st.sampled_from(["", "192.0.2.9", "2001:db8::9"]))},
        }
    )


@st.composite
def facts(draw: st.DrawFn) -> FactsFile:
    made = {}
    for number, server in enumerate(draw(st.lists(st.sampled_from(["mx1", "MX.2", "out_3"]), unique=True)), 1):
        made[server] = ServerRecord(
            facts=Facts(
                public_ipv4=draw(st.sampled_from(["", f"192.0.2.{number}"])),
                public_ipv6=draw(st.sampled_from(["", f"2001:db8::{number}"])),
            ),
            dkim=tuple(DkimPublicKey(selector=s, public_key="QUJD" * 98) for s in ("2026a", f"2026a-{server}")),
            tls=draw(st.sampled_from([None, TlsPublic(spki_sha256="ab" * 32)])),
        )
    return FactsFile(servers=made)


@given(plans(), facts())
@settings(deadline=None)
def test_every_record_can_be_published_as_it_stands(plan: Plan, known: FactsFile) -> None:
    records = plan_records(plan, known)
    assert len({(r.name, r.type, r.value) for r in records}) == len(records)
    for record in records:
        assert record.reason
        assert bool(record.value) is not bool(record.pending)
        assert len(record.name) <= 253
        if record.value:
            dns.rdata.from_text(dns.rdataclass.IN, record.type, record.rdata)


@given(plans(), facts())
@settings(deadline=None)
def test_what_is_published_as_planned_is_right(plan: Plan, known: FactsFile) -> None:
    records = plan_records(plan, known)
    for record in records:
        live = [r.value for r in records if (r.name, r.type) == (record.name, record.type) and r.value]
        verdict = judge(record, live, live)
        assert verdict.state is (State.UNKNOWN if record.pending else State.PUBLISHED), (record, verdict)


@given(plans(), facts())
@settings(deadline=None)
def test_every_form_can_be_written(plan: Plan, known: FactsFile) -> None:
    records, notes = plan_records(plan, known), plan_notes(plan, known)
    assert len(json.loads(as_json(records, notes))["records"]) == len(records)
    text = as_text(records, notes)
    assert all(record.name in text for record in records)
    assert as_web_values(records)
