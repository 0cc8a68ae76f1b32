"""DMARC aggregate reports: Rspamd sends them from the primary domain, where it filters, unless unwanted."""

from __future__ import annotations

import pytest

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.stack.compile import compile_server

from . import cases

DMARC, MASTER = "/etc/rspamd/local.d/dmarc.conf", "/etc/postfix/master.cf"
TIMER = "mailwiz-dmarc-reports.timer"


@pytest.mark.parametrize("known", [cases.facts(), cases.bookworm()], ids=["trixie", "bookworm"])
def test_reports_come_from_the_primary_domain_and_are_signed_and_not_filtered(known: FactsFile) -> None:
    blueprint = compile_server(cases.plan(), "mx1", known)
    conf = blueprint.files()[DMARC].content
    assert 'email = "postmaster@example.com";' in conf
    assert 'org_name = "example.com";' in conf
    assert "smtp_port = 10029;" in conf
    service = blueprint.files()[MASTER].content.split("127.0.0.1:10029 inet", 1)[1].split("\npickup", 1)[0]
    assert "smtpd_milters=inet:127.0.0.1:11332" in service
    assert "smtpd_client_restrictions=permit_mynetworks,reject" in service
    assert TIMER in {unit.name for unit in blueprint.units()}
    assert "rspamd.dmarc-reports" in {probe.id for probe in blueprint.probes}


@pytest.mark.parametrize(
    "changes",
    [
        {"security": {"tls": {"provider": "selfsigned"}, "dmarc": {"send_reports": False}}},
        {"services": {"antispam": "spamassassin"}},
        {"services": {"antispam": "none"}},
    ],
    ids=["unwanted", "spamassassin", "none"],
)
def test_nothing_is_reported_where_it_is_unwanted_or_there_is_no_rspamd(changes: dict[str, object]) -> None:
    blueprint = compile_server(cases.plan(**changes), "mx1", cases.facts())
    files = blueprint.files()
    assert "reporting {" not in (files[DMARC].content if DMARC in files else "")
    assert "10029" not in files[MASTER].content
    assert TIMER not in {unit.name for unit in blueprint.units()}


def test_of_several_servers_the_filter_reports_and_who_sends_signs() -> None:
    known = cases.distributed_facts()
    filters, front = (compile_server(cases.distributed(), name, known) for name in ("filter", "out1"))
    assert "127.0.0.1:10029 inet" in filters.files()[MASTER].content
    assert "smtpd_milters=\n" in filters.files()[MASTER].content
    assert TIMER in {unit.name for unit in filters.units()}
    assert "10029" not in front.files()[MASTER].content
