"""What the checks mean for mail: first what keeps it away, by consequence, then what works."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from mailwiz_tui.commands.checks import print_verdict
from mailwiz_tui.dns.live import RecordState
from mailwiz_tui.dns.match import State
from mailwiz_tui.dns.record import Record
from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.fleet.facts import DkimPublicKey, Facts, FactsFile, ServerRecord, TlsPublic
from mailwiz_tui.plan.model import Plan, PlanServer, Role
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.verify import dns_checks, outward
from mailwiz_tui.verify.obstacle import Concern
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.run import results_as_json
from mailwiz_tui.verify.target import Target
from mailwiz_tui.verify.verdict import Grade, Verdict, verdict
from tests.unit.certificates import issue

CANNOT_ARRIVE = "Mail from outside cannot arrive"
WORKING = [
    CheckResult(check, "mx1", CheckState.PASSED, "It works.")
    for check in ("mail-in.delivery", "mail-out.587", "auth.imap.login")
]


def plan(*domains: str, **network: object) -> Plan:
    return Plan.model_validate(
        {
            "servers": [PlanServer(id="mx1", roles=[Role.ALL_IN_ONE]).model_dump()],
            "domain": {
                "primary_domain": "example.com",
                "hostname": "mail.example.com",
                "additional_domains": [{"name": name} for name in domains],
            },
            "network": network,
        }
    )


def known(**facts: object) -> FactsFile:
    told = Facts.model_validate({"public_ipv4": "192.0.2.1", "public_ipv6": "2001:db8::1", **facts})
    key = DkimPublicKey(selector="mail", public_key="AAAA")
    return FactsFile(servers={"mx1": ServerRecord(facts=told, dkim=(key,), tls=TlsPublic(spki_sha256="ab" * 32))})


def judged(*changed: tuple[str, State], domains: tuple[str, ...] = ()) -> Verdict:
    """The verdict where everything is published but the records of these standards (or at these names)."""

    def state(record: Record) -> RecordState:
        names = (record.standard, f"{record.type} {record.name}")
        found = next((state for name, state in changed if name in names), State.PUBLISHED)
        return RecordState(record, found, detail="got another" if found is State.WRONG else "")

    records = plan_records(plan(*domains), known())
    return verdict([*WORKING, *dns_checks.judge([state(record) for record in records], "mx1")])


def test_everything_published_is_good_and_says_what_works() -> None:
    found = judged()
    assert (found.grade, found.obstacles) == (Grade.GOOD, ())
    assert found.works.startswith(
        "The mail server works: mail is accepted on port 25, submitted by users and read over IMAP; "
        f"checks: {len(WORKING) + len(Standard)} passed"
    )


@pytest.mark.parametrize(
    ("standard", "state", "concern", "sentence"),
    [
        (
            "mx",
            State.MISSING,
            Concern.INCOMING,
            "Mail from outside cannot arrive: MX of example.com is not published.",
        ),
        (
            "mx",
            State.WRONG,
            Concern.INCOMING,
            "Mail from outside goes to another server: MX of example.com is not as planned (got another).",
        ),
        (
            "mx",
            State.UNKNOWN,
            Concern.INCOMING,
            "It is not known whether mail from outside can arrive: MX of example.com could not be asked.",
        ),
        (
            "address",
            State.MISSING,
            Concern.INCOMING,
            f"{CANNOT_ARRIVE}: A of mail.example.com and AAAA of mail.example.com are not published.",
        ),
        (
            "A mail.example.com",
            State.MISSING,
            Concern.INCOMING,
            "Mail from hosts without IPv6 cannot arrive: A of mail.example.com is not published.",
        ),
        (
            "AAAA mail.example.com",
            State.MISSING,
            Concern.OUTGOING,
            "Receivers will reject mail or mark it as spam: AAAA of mail.example.com is not published.",
        ),
        (
            "dkim",
            State.MISSING,
            Concern.OUTGOING,
            "Receivers will reject mail or mark it as spam: DKIM of example.com is not published.",
        ),
        (
            "ptr",
            State.WRONG,
            Concern.OUTGOING,
            "Receivers will reject mail or mark it as spam: the reverse name of 192.0.2.1 and the reverse name of "
            "2001:db8::1 are not mail.example.com.",
        ),
        (
            "tlsa",
            State.WRONG,
            Concern.INCOMING,
            "Hosts that verify by DANE do not deliver: TLSA of _25._tcp.mail.example.com is not that of the "
            "server's key.",
        ),
        ("dmarc", State.MISSING, Concern.RECOMMENDED, "Recommended: DMARC is not published."),
        ("tls-rpt", State.MISSING, Concern.RECOMMENDED, "Recommended: TLS-RPT is not published."),
    ],
)
def test_each_record_weighs_by_its_consequence(
    standard: str, state: State, concern: Concern, sentence: str
) -> None:
    found = judged((standard, state))
    assert found.obstacles == ((concern, sentence),)
    failed = state is State.WRONG and standard != "ptr"
    grade = Grade.GOOD if concern is Concern.RECOMMENDED else Grade.HINDERED
    assert found.grade is (Grade.BAD if failed else grade)


def test_spf_of_the_domain_weighs_more_than_that_of_the_host() -> None:
    found = judged(("spf", State.MISSING))
    assert [concern for concern, _ in found.obstacles] == [Concern.OUTGOING, Concern.RECOMMENDED]
    assert "SPF of example.com is not published" in found.obstacles[0][1]
    assert "SPF of mail.example.com is not published" in found.obstacles[1][1]


def test_nothing_published_says_first_that_nothing_arrives_and_each_effect_once() -> None:
    found = judged(("ptr", State.WRONG), *((standard, State.MISSING) for standard in Standard))
    assert found.grade is Grade.HINDERED
    assert [concern for concern, _ in found.obstacles] == [Concern.INCOMING, Concern.OUTGOING, Concern.RECOMMENDED]
    assert found.obstacles[0][1].startswith("Mail from outside cannot arrive: A of mail.example.com, ")
    assert "works" not in found.works
    assert found.works.startswith("On the server itself mail is accepted on port 25")


def test_one_domain_of_several_is_named() -> None:
    found = judged(("MX b.example", State.MISSING), domains=("b.example",))
    assert found.grave == ("Mail from outside cannot arrive: MX of b.example is not published.",)


def test_a_dns_that_cannot_be_asked_is_no_good_verdict() -> None:
    states = [RecordState(record, State.UNKNOWN) for record in plan_records(plan(), known())]
    found = verdict([*WORKING, *dns_checks.judge(states, "mx1")])
    assert found.grade is Grade.HINDERED
    assert found.obstacles[0][1].startswith("It is not known whether mail from outside can arrive: A of")


@pytest.mark.parametrize(
    ("check", "concern", "effect"),
    [
        ("smtp.open-relay", Concern.SAFETY, "Strangers can send mail through the server"),
        ("mail-in.delivery", Concern.INCOMING, "Mail from outside does not arrive"),
        ("mail-out.587", Concern.OUTGOING, "Users cannot send mail"),
        ("auth.imap.login", Concern.CLIENTS, "Users cannot read their mail"),
        ("listeners.unexpected", Concern.OTHER, "Not as planned"),
    ],
)
def test_a_failed_check_says_what_it_means(check: str, concern: Concern, effect: str) -> None:
    failed = CheckResult(check, "mx1", CheckState.FAILED, "It works.", "no answer")
    found = verdict([failed, *(r for r in WORKING if r.id != check)])
    assert found.grade is Grade.BAD
    assert found.obstacles == ((concern, f"{effect}: the check {check} (mx1) failed."),)
    assert "The mail server works" not in found.works


def test_many_failures_of_one_effect_are_one_sentence() -> None:
    failed = [CheckResult(f"tls.{n}.versions", "mx1", CheckState.FAILED, "x") for n in range(7)]
    ((_, told),) = verdict(failed).obstacles
    assert told.endswith("and 4 more failed.")


def test_without_a_check_nothing_is_known_to_work() -> None:
    assert (verdict([]).grade, verdict([]).works) == (Grade.BAD, "No check was made.")


def target(pem: str) -> Target:
    return Target(
        "mx1", "192.0.2.1", "mail.example.com", "example.com", pem, compile_server(plan(), "mx1", known()).ports
    )


def test_a_blocked_way_out_and_a_self_signed_certificate_are_told() -> None:
    facts = known(outbound_25_ipv4=False)
    found = outward.results(plan(), facts, {"mx1": target(issue("mail.example.com").pem)})
    assert [(r.id, r.state) for r in found] == [
        ("server.port-25-out", CheckState.WARNING),
        ("tls.trust", CheckState.WARNING),
    ]
    assert verdict(found).grave == (
        "Mail to other hosts cannot leave: outgoing port 25 of mx1 is blocked.",
        "Mail programs warn users about the certificate: the certificate of mail.example.com is self-signed.",
    )
    relayed = plan(relay_host="[smart.example]:587")
    assert [r.id for r in outward.results(relayed, facts, {"mx1": target("")})] == []


def test_command_line_and_json_say_the_same(capsys: pytest.CaptureFixture[str]) -> None:
    found = judged(("mx", State.MISSING), ("dmarc", State.MISSING))
    print_verdict(found)
    lines = capsys.readouterr().out.splitlines()
    assert lines == [f"! {found.grave[0]}", found.works, *found.recommended]
    result = replace(WORKING[0], obstacles=())
    told = json.loads(results_as_json([result]))
    assert told["passed"] is True
    assert told["verdict"] == {"grade": "good", "obstacles": [], "works": told["verdict"]["works"]}
    assert set(told["results"][0]) == {
        "id", "server_id", "state", "proves", "detail", "advice", "vantage", "seconds",
    }  # fmt: skip
