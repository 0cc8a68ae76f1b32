"""A plan and what is known of its server, as most DNS tests need them."""

from __future__ import annotations

import pytest

from mailwiz_tui.fleet.facts import DkimPublicKey, Facts, FactsFile, ServerRecord, TlsPublic
from mailwiz_tui.plan.model import AdditionalDomain, Domain, DomainKind, Plan, PlanServer, Role, TlsProvider
from tests.unit.dns.dns_values import KEY, SPKI


@pytest.fixture
def plan() -> Plan:
    made = Plan(
        servers=[PlanServer(id="mx1", roles=[Role.ALL_IN_ONE])],
        domain=Domain(primary_domain="example.com", hostname="mail.example.com"),
    )
    made.security.tls.provider = TlsProvider.SELFSIGNED
    made.security.dkim.selector = "2026a"
    return made


@pytest.fixture
def wide_plan(plan: Plan) -> Plan:
    """The plan with a further mailbox domain and a relay domain."""
    plan.domain.additional_domains = [
        AdditionalDomain(name="example.org"),
        AdditionalDomain(name="example.net", kind=DomainKind.RELAY, relay_host="mail.inside.example.net"),
    ]
    return plan


@pytest.fixture
def known() -> FactsFile:
    return FactsFile(
        servers={
            "mx1": ServerRecord(
                facts=Facts(public_ipv4="192.0.2.21", public_ipv6="2001:db8::21"),
                dkim=(DkimPublicKey(selector="2026a", bits=2048, public_key=KEY),),
                tls=TlsPublic(subject_names=("mail.example.com",), spki_sha256=SPKI),
            )
        }
    )
