"""Failures are told by their cause: a service that does not answer."""

from __future__ import annotations

import pytest

from mailwiz_tui.agent.protocol.probes import AskServices, ProbeAnswer, RunProbes
from mailwiz_tui.stack.blueprint import Ask, Blueprint, Ready, Step, Unit
from mailwiz_tui.verify import server_checks, settle
from mailwiz_tui.verify.causes import causes
from mailwiz_tui.verify.result import CheckResult, CheckState
from mailwiz_tui.verify.verdict import verdict
from tests.unit.fake_link import FakeLink

FLOWS = ("mail-in.delivery", "mail-out.delivery", "smtp.gtube", "submission.limits", "smtp.null-sender")


def failed(check: str, server: str, detail: str = "x") -> CheckResult:
    return CheckResult(check, server, CheckState.FAILED, "It works.", detail)


def passed(check: str, server: str) -> CheckResult:
    return CheckResult(check, server, CheckState.PASSED, "It works.")


RESULTS = [
    failed("answers.rspamd", "filter1", "Rspamd (spam filter): connection refused"),
    failed("rspamd.memory", "filter1"),
    passed("answers.dovecot", "front1"),
    *(failed(check, server) for server in ("front1", "front2") for check in FLOWS),
    failed("dns.mx", "front1"),
]


def test_failures_on_all_servers_have_the_filter_as_their_one_cause() -> None:
    (cause,) = causes(RESULTS)
    assert len(cause.results) == 12
    assert cause.sentence == (
        "12 checks failed because rspamd on filter1 does not answer (Rspamd (spam filter): connection refused)."
    )


def test_the_verdict_begins_with_it_and_names_the_effects_once() -> None:
    told = verdict(RESULTS).grave
    assert told[0].startswith("12 checks failed because rspamd on filter1")
    assert "Mail from outside does not arrive: rspamd on filter1 does not answer." in told
    assert sum("dns.mx" in sentence for sentence in told) == 1
    assert not any("smtp.gtube" in sentence for sentence in told)


def test_what_others_rely_on_is_the_cause() -> None:
    found = causes(
        [failed("answers.dovecot", "mx1"), failed("answers.mariadb", "mx1"), failed("auth.imap.login", "mx1")]
    )
    assert [cause.unit for cause in found] == ["mariadb", "dovecot"]
    assert "auth.imap.login" in {r.id for r in found[0].results}


@pytest.mark.parametrize(
    ("unit", "check"),
    [
        ("mailwiz-message-checks", "message_checks.owners"),
        ("mailwiz-recipient-checks", "recipient_checks.bounces"),
        ("postfix-mta-sts-resolver", "mta_sts.answers"),
        ("postfix@-", "postfix.queue"),
        ("php8.2-fpm", "php.config"),
    ],
)
def test_the_checks_of_a_component_fail_with_its_unit(unit: str, check: str) -> None:
    (cause,) = causes([failed(f"answers.{unit}", "mx1"), failed(check, "mx1"), failed(check, "mx2")])
    assert [(r.id, r.server_id) for r in cause.results] == [(f"answers.{unit}", "mx1"), (check, "mx1")]


def test_another_servers_nginx_explains_no_certificate_here() -> None:
    (cause,) = causes([failed("answers.nginx", "mx1"), failed("tls.https", "mx2")])
    assert [r.id for r in cause.results] == ["answers.nginx"]


class Answers(FakeLink):
    """A link on which one service answers late."""

    def __init__(self, *rounds: tuple[str, ...]) -> None:
        self.rounds = list(rounds)
        probes = (ProbeAnswer("ports", 0, ""), ProbeAnswer("units", 1, "active"))
        super().__init__(AskServices.by(lambda _: self.rounds.pop(0)), RunProbes.by(lambda _: probes))


SERVICES = (
    Ready("X (filter)", "x.service", Ask.MILTER, "127.0.0.1:1"),
    Ready("X's controller", "x.service", Ask.HTTP, "unix:/x"),
)
MADE = Blueprint("mx1", (Step("s", "S", "c", (Unit("x.service"), *SERVICES)),))


async def test_each_unit_has_one_check_that_says_which_question_was_not_answered() -> None:
    (result,) = await server_checks.answering(MADE, Answers(("", "connection refused")))
    assert (result.id, result.state) == ("answers.x", CheckState.FAILED)
    assert result.detail == "X's controller: connection refused"
    (result,) = await server_checks.answering(MADE, Answers(("", "")))
    assert result.state is CheckState.PASSED


async def test_verification_waits_until_services_answer() -> None:
    link = Answers(("no", ""), ("", ""))
    assert await settle.settle(MADE, link, pause=0)
    assert link.rounds == []
