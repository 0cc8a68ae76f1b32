"""The export forms: each is read back by something that is not ours."""

from __future__ import annotations

import json

import dns.zone
from hypothesis import given
from hypothesis import strategies as st

from mailwiz_tui.dns.export import as_json, as_text, as_web_values, as_zone, web_values
from mailwiz_tui.dns.record import HOUR, Record, Section, chunks
from mailwiz_tui.dns.records import plan_notes, plan_records
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan
from tests.unit.dns.dns_values import KEY


def parse(text: str, origin: str) -> dns.zone.Zone:
    return dns.zone.from_text(text, origin=origin, relativize=False, check_origin=False, allow_include=False)


def txt(value: str) -> Record:
    return Record(
        "example.com", "t.example.com", "TXT", value, HOUR, "because", True, Section.SENDING, Standard.SPF
    )


def test_zone_file_holds_every_record(wide_plan: Plan, known: FactsFile) -> None:
    records = plan_records(wide_plan, known)
    text = as_zone(records)
    for domain in wide_plan.all_domains():
        zone = parse(text, domain)
        found = {(str(name).rstrip("."), rdata.rdtype.name) for name, _, rdata in zone.iterate_rdatas()}
        wanted = {(r.name, r.type) for r in records if r.domain == domain and r.type != "PTR"}
        assert found == wanted


def test_long_key_is_split_and_comes_back_whole(plan: Plan, known: FactsFile) -> None:
    zone = parse(as_zone(plan_records(plan, known)), "example.com")
    found = zone.get_rdataset("2026a._domainkey.example.com.", "TXT")
    assert found is not None
    (rdata,) = found
    assert len(rdata.strings) == 2
    assert b"".join(rdata.strings).decode() == f"v=DKIM1; k=rsa; p={KEY}"


def test_what_is_not_known_is_a_comment_in_the_zone(plan: Plan) -> None:
    text = as_zone(plan_records(plan, FactsFile()))
    assert "; 2026a._domainkey.example.com. TXT: key not known yet: prepare generates it" in text
    assert parse(text, "example.com").get_rdataset("mail.example.com.", "A") is None


@given(st.text(max_size=900))
def test_any_text_survives_the_zone_file(text: str) -> None:
    zone = parse(as_zone([txt(text)]), "example.com")
    found = zone.get_rdataset("t.example.com.", "TXT")
    assert found is not None
    (rdata,) = found
    assert b"".join(rdata.strings) == text.encode()


@given(st.text(max_size=900))
def test_chunks_fit_and_join(text: str) -> None:
    parts = chunks(text)
    assert "".join(parts) == text
    assert all(len(part.encode()) <= 255 for part in parts)


def test_text_groups_by_domain_with_reasons_and_notes(wide_plan: Plan, known: FactsFile) -> None:
    text = as_text(plan_records(wide_plan, known), plan_notes(wide_plan, known))
    assert text.index("example.com\n====") < text.index("example.org\n====") < text.index("example.net\n====")
    assert "required: Tells other mail servers to deliver mail" in text.replace("\n    ", " ")
    assert "MTA-STS: Not listed" in text.replace("\n", " ")
    assert max(len(line) for line in text.splitlines() if "p=" not in line and "arpa" not in line) <= 100


def test_web_values_are_single_strings(plan: Plan, known: FactsFile) -> None:
    by_key = {(w.host, w.type): w for w in web_values(plan_records(plan, known))}
    assert by_key["@", "MX"].value == "mail.example.com"
    assert by_key["@", "MX"].priority == 10
    assert by_key["_imaps._tcp", "SRV"].value == "1 993 mail.example.com"
    assert by_key["_pop3._tcp", "SRV"].value == "0 0 ."
    assert by_key["2026a._domainkey", "TXT"].value == f"v=DKIM1; k=rsa; p={KEY}"
    assert by_key["21.2.0.192.in-addr.arpa", "PTR"].value == "mail.example.com"
    assert not [w for w in by_key.values() if '"' in w.value and w.type == "TXT"]


def test_web_values_as_text_name_the_boxes_of_the_form(plan: Plan, known: FactsFile) -> None:
    text = as_web_values(plan_records(plan, known))
    assert "host: @" in text
    assert f"value: v=DKIM1; k=rsa; p={KEY}\n" in text
    assert "priority: 10" in text


def test_json_is_stable(plan: Plan, known: FactsFile) -> None:
    data = json.loads(as_json(plan_records(plan, known), plan_notes(plan, known)))
    assert data["version"] == 1
    assert set(data["records"][0]) == {
        "domain", "name", "type", "value", "rdata", "ttl", "required", "section", "reason", "note", "pending",
    }  # fmt: skip
    assert data["records"][0]["section"] == "addresses"
    assert {n["subject"] for n in data["notes"]} >= {"MTA-STS"}
