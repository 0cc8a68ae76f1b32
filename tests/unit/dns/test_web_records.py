"""What is published follows from what the certificate can serve, and the web server serves just that."""

from __future__ import annotations

from typing import Any

import pytest

from mailwiz_tui.dns.caa import acme_issuer
from mailwiz_tui.dns.mta_sts import policy
from mailwiz_tui.dns.records import plan_notes, plan_records
from mailwiz_tui.dns.site import Site
from mailwiz_tui.fleet.facts import Facts, FactsFile, ServerRecord, TlsPublic
from mailwiz_tui.plan.model import Plan, Tls
from mailwiz_tui.stack.blueprint import File
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.component import Contribution, WebLocation
from mailwiz_tui.stack.nginx.component import SITE, Nginx

WEB = ("mta-sts", "autoconfig", "autodiscover")


def plan(**tls: str) -> Plan:
    return Plan.model_validate(
        {
            "servers": [{"id": "mx1", "roles": ["all-in-one"]}],
            "domain": {
                "primary_domain": "example.com",
                "hostname": "mail.example.com",
                "additional_domains": [
                    {"name": "example.org"},
                    {"name": "example.net", "kind": "relay", "relay_host": "[10.0.0.5]"},
                ],
            },
            "security": {"tls": tls},
        }
    )


def known(*names: str, trusted: bool = False) -> FactsFile:
    custom = TlsPublic(subject_names=names, trusted=trusted, certificate_sha256="ab" * 32) if names else None
    return FactsFile(servers={"mx1": ServerRecord(facts=Facts(public_ipv4="192.0.2.1"))}, custom=custom)


def published(made: Plan, facts: FactsFile) -> set[str]:
    """The web names that lead to the mail host."""
    records = plan_records(made, facts)
    return {r.name for r in records if r.type == "CNAME" and r.value == f"{made.domain.hostname}."}


def served(made: Plan, facts: FactsFile) -> set[str]:
    """The names that nginx has a site for, without the mail host's own."""
    site = compile_server(made, "mx1", facts).files().get(SITE)
    if site is None:
        return set()
    lines = [
        line.split("server_name ")[1].rstrip(";") for line in site.content.splitlines() if "server_name" in line
    ]
    return {name for line in lines for name in line.split()} - {"_", made.domain.hostname}


CASES: list[tuple[dict[str, str], FactsFile, set[str]]] = [
    (
        {"provider": "letsencrypt"},
        known(),
        {f"{label}.example.{top}" for label in WEB for top in ("com", "org")} | {"mta-sts.example.net"},
    ),
    ({"provider": "selfsigned"}, known(), set()),
    ({"provider": "custom"}, known(), set()),
    ({"provider": "custom"}, known("mail.example.com"), set()),
    (
        {"provider": "custom"},
        known("*.example.com"),
        {"autoconfig.example.com", "autodiscover.example.com"},
    ),
    ({"provider": "custom"}, known("*.example.com", trusted=True), {f"{label}.example.com" for label in WEB}),
]


@pytest.mark.parametrize(("tls", "facts", "names"), CASES)
def test_what_is_published_is_served_and_nothing_else(
    tls: dict[str, str], facts: FactsFile, names: set[str]
) -> None:
    assert published(plan(**tls), facts) == names
    assert served(plan(**tls), facts) == names


def test_what_is_left_out_is_said() -> None:
    notes = plan_notes(plan(provider="custom"), known("*.example.com", trusted=True))
    left = [(note.domain, note.text) for note in notes if "MTA-STS" in str(note)]
    assert [domain for domain, _ in left] == ["example.org", "example.net"]
    assert plan_notes(plan(provider="letsencrypt"), known()) != []
    assert not [n for n in plan_notes(plan(provider="letsencrypt"), known()) if "MTA-STS" in str(n)]


def test_policy_served_is_the_one_whose_id_is_published() -> None:
    made = plan(provider="letsencrypt")
    files = compile_server(made, "mx1", known()).files()
    assert files["/var/www/mailwiz/mta-sts/.well-known/mta-sts.txt"].content == policy(Site(made, known()))


@pytest.mark.parametrize(
    ("directory", "issuer"),
    [
        ("", "letsencrypt.org"),
        ("https://acme-staging-v02.api.letsencrypt.org/directory", "letsencrypt.org"),
        ("https://acme.zerossl.com/v2/DV90", "sectigo.com"),
        ("https://api.letsencrypt.org.evil.example/dir", ""),
        ("https://notapi.buypass.com/dir", ""),
        ("https://acme.example.com/dir", ""),
    ],
)
def test_authority_behind_an_acme_server(directory: str, issuer: str) -> None:
    tls = Tls(acme_directory=directory)
    assert acme_issuer(tls) == issuer
    values = {r.value for r in plan_records(plan(acme_directory=directory), known()) if r.type == "CAA"}
    assert values == ({f'0 issue "{issuer}"', '0 issuewild ";"'} if issuer else set())


def test_web_applications_hang_in_at_the_mail_host() -> None:
    from mailwiz_tui.stack.component import Context

    location = WebLocation("mail", "/mail/", "location /mail/ {\n    return 204;\n}", http="limit_req_zone x;")
    context: Any = Context(plan(provider="selfsigned"), "mx1", Facts(codename="trixie"), known())
    found = Nginx().contribute(context, (Contribution(web=(location,)),))
    (text,) = [item.content for item in found.steps[0].items if isinstance(item, File) and item.path == SITE]
    assert "\n    location /mail/ {\n        return 204;\n    }\n" in text
    assert text.index("limit_req_zone x;") < text.index("server {")
    assert {port.number for port in found.ports} == {80, 443}
    assert Nginx().contribute(context, ()).ports == ()
