"""What is left in the DNS of servers that were removed from the plan, and whose MX records are the plan's own."""

from __future__ import annotations

from mailwiz_tui.dns.changes import Change, changes
from mailwiz_tui.dns.live import RecordState
from mailwiz_tui.dns.match import State, judge
from mailwiz_tui.dns.record import HOUR, Record, Section
from mailwiz_tui.dns.stale_records import left_over, stale_mx, stale_records
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.fleet.facts import FactsFile, ServerRecord, TlsPublic
from mailwiz_tui.plan.model import Plan
from tests.unit.stack import cases


def without(plan: Plan, server_id: str) -> Plan:
    return plan.model_copy(update={"servers": [s for s in plan.servers if s.id != server_id]})


def test_nothing_is_former_while_all_are_there() -> None:
    assert stale_records(cases.distributed(), cases.distributed_facts()) == []


def test_a_server_that_left_has_its_own_records_only() -> None:
    plan, known = cases.distributed(), cases.distributed_facts()
    left = stale_records(without(plan, "in2"), known)
    names = {record.name for record in left}
    assert f"in2.{plan.domain.primary_domain}" in names
    assert all("in2" in name.split(".") for name in names)
    facts = known.facts("in2")
    assert facts is not None
    addresses = {record.value for record in left if record.type in ("A", "AAAA")}
    assert addresses == {address for address in (facts.public_ipv4, facts.public_ipv6) if address}
    assert not any("_domainkey" in name for name in names), "mail on its way is judged by the key"


def test_the_key_of_a_front_that_left_goes_from_the_name_that_the_others_keep() -> None:
    roles = {"store1": "mail-storage", "out1": "mx-outbound", "out2": "mx-outbound", "out3": "mx-outbound"}
    plan = cases.distributed(servers=[{"id": name, "roles": [role]} for name, role in roles.items()])
    known = FactsFile(servers={n: ServerRecord(tls=TlsPublic(spki_sha256=n)) for n in ("out1", "out2", "out3")})
    left = [
        r for r in stale_records(without(plan, "out3"), known) if r.name.endswith(f"._tcp.{plan.domain.hostname}")
    ]
    assert {r.value for r in left} == {"3 1 1 out3"}
    assert "_993._tcp.mail.example.com" in {r.name for r in left}


def test_only_values_that_were_the_servers_own_are_taken_away() -> None:
    name = "in2.example.com"
    was = Record("example.com", name, "A", "192.0.2.12", HOUR, "because", True, Section.DELIVERY, Standard.ADDRESS)
    states = [RecordState(was, State.WRONG, ("192.0.2.12", "203.0.113.9"))]
    assert left_over(states) == [Change(name, "A", 0, ("192.0.2.12",), ())]
    assert left_over([RecordState(was, State.MISSING)]) == []


def test_the_mx_of_a_server_that_left_is_no_other_mail_server() -> None:
    plan, known = without(cases.distributed(), "in2"), cases.distributed_facts()
    own = stale_mx(plan, known)
    assert own == {f"in2.{plan.domain.primary_domain}.", f"{plan.domain.hostname}."}
    wanted = Record(
        "example.com", "example.com", "MX", "10 in1.example.com.", HOUR, "so", True, Section.DELIVERY, Standard.MX
    )

    def asked(*got: str) -> tuple[list[Change], int]:
        verdict = judge(wanted, [wanted.value], got)
        found, left = changes([RecordState(wanted, verdict.state, got, verdict.detail)], own=own)
        return found, len(left)

    gone = ("10 in2.example.com.",)
    assert asked("10 in1.example.com.", *gone) == ([Change("example.com", "MX", HOUR, gone, ())], 0)
    assert asked("5 mx.provider.example.") == ([], 1)
