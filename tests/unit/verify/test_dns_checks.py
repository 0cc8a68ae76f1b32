"""From the states of records to results: what warns, what fails, and what it says to publish."""

from __future__ import annotations

import pytest

from mailwiz_tui.dns.live import RecordState
from mailwiz_tui.dns.match import State
from mailwiz_tui.dns.record import HOUR, Record, Section
from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.fleet.facts import DkimPublicKey, Facts, FactsFile, ServerRecord, TlsPublic
from mailwiz_tui.plan.model import Domain, Plan, PlanServer, Role
from mailwiz_tui.verify import dns_checks
from mailwiz_tui.verify.result import CheckState

MX = Record(
    "example.test",
    "example.test",
    "MX",
    "10 mail.example.test.",
    HOUR,
    "because",
    True,
    Section.DELIVERY,
    Standard.MX,
)


@pytest.mark.parametrize(
    ("state", "result"),
    [
        (State.PUBLISHED, CheckState.PASSED),
        (State.MISSING, CheckState.WARNING),
        (State.WRONG, CheckState.FAILED),
        (State.UNKNOWN, CheckState.NOT_RUN),
    ],
)
def test_each_state_has_its_result(state: State, result: CheckState) -> None:
    (found,) = dns_checks.judge([RecordState(MX, state, detail="nobody answered")], "mx1")
    assert (found.id, found.state, found.server_id) == ("dns.mx", result, "mx1")
    if state in (State.MISSING, State.WRONG):
        assert "Publish example.test MX 10 mail.example.test." in found.advice


def test_the_providers_reverse_name_only_warns() -> None:
    name = "1.2.0.192.in-addr.arpa"
    pointer = Record(
        "example.test", name, "PTR", "mail.example.test.", HOUR, "because", True, Section.REVERSE, Standard.PTR
    )
    (found,) = dns_checks.judge([RecordState(pointer, State.WRONG, detail="got static-1.provider.test.")], "mx1")
    assert found.state is CheckState.WARNING
    assert "PTR mail.example.test." in found.advice


def test_one_wrong_record_of_many_decides() -> None:
    states = [RecordState(MX, State.PUBLISHED), RecordState(MX, State.MISSING), RecordState(MX, State.WRONG)]
    (found,) = dns_checks.judge(states, "mx1")
    assert found.state is CheckState.FAILED


def test_merged_value_is_what_to_publish() -> None:
    spf = Record(
        "example.test",
        "example.test",
        "TXT",
        "v=spf1 mx -all",
        HOUR,
        "because",
        True,
        Section.SENDING,
        Standard.SPF,
    )
    wrong = RecordState(spf, State.WRONG, detail="lacks mx", instead="v=spf1 mx include:x.test -all")
    (found,) = dns_checks.judge([wrong], "mx1")
    assert "include:x.test" in found.advice


def every_standard() -> tuple[Plan, FactsFile]:
    """A plan whose records are of every standard, and what is known of its server."""
    plan = Plan(
        servers=[PlanServer(id="mx1", roles=[Role.ALL_IN_ONE])],
        domain=Domain(primary_domain="example.test", hostname="mail.example.test"),
    )
    known = FactsFile(
        servers={
            "mx1": ServerRecord(
                facts=Facts(public_ipv4="192.0.2.1", public_ipv6="2001:db8::1"),
                dkim=(DkimPublicKey(selector="mail", public_key="AAAA"),),
                tls=TlsPublic(spki_sha256="ab" * 32),
            )
        }
    )
    plan.security.dmarc.rua = "mailto:d@reports.test"
    return plan, known


def test_every_record_of_a_plan_belongs_to_a_standard() -> None:
    records = plan_records(*every_standard())
    assert {record.standard for record in records} == set(Standard)
    by_name = {record.name: record.standard for record in records if record.type == "TXT"}
    assert by_name == {
        "example.test": "spf",
        "mail.example.test": "spf",
        "mail._domainkey.example.test": "dkim",
        "_dmarc.example.test": "dmarc",
        "example.test._report._dmarc.reports.test": "dmarc",
        "_mta-sts.example.test": "mta-sts",
        "_smtp._tls.example.test": "tls-rpt",
    }


def test_each_standard_of_txt_records_says_how_they_are_known_and_that_there_is_one() -> None:
    standards = {record.standard for record in plan_records(*every_standard()) if record.type == "TXT"}
    assert {standard for standard in Standard if standard.about.single} == standards
    assert {standard for standard in standards if not standard.about.version} == {Standard.DKIM}


@pytest.mark.parametrize("standard", Standard)
def test_each_standard_says_what_its_records_keep_from_working(standard: Standard) -> None:
    records = [record for record in plan_records(*every_standard()) if record.standard is standard]
    (found,) = dns_checks.judge([RecordState(record, State.MISSING) for record in records], "mx1")
    assert found.obstacles
    assert all(obstacle.subject.strip() for obstacle in found.obstacles)


async def test_a_resolver_that_is_none_is_said() -> None:
    (found,) = await dns_checks.run([MX], "mx1", "not-an-address")
    assert found.state is CheckState.NOT_RUN
    assert found.detail == "“not-an-address” is not the address of a DNS server"
    assert found.advice == "write an IP address, or ADDRESS:PORT for another port"
