"""The HTTPS checks, each against a site that is right and one that is wrong in just that way."""

from __future__ import annotations

import dataclasses
import re
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mailwiz_tui.fleet.facts import FactsFile, TlsPublic
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.plan.published import mta_sts_policy
from mailwiz_tui.stack.blueprint import Port, PortTls, Scope
from mailwiz_tui.stack.render import render
from mailwiz_tui.verify import web
from mailwiz_tui.verify.check import Failed, Warned
from tests.unit.certificates import Pair, issue
from tests.unit.verify import fakes
from tests.unit.verify.conftest import PORTS, MakeTarget, Serve

WEB_PORTS = (Port(80, "http", Scope.PUBLIC), Port(443, "https", Scope.PUBLIC, PortTls.IMPLICIT), *PORTS)
NAMES = (fakes.HOST, *(f"{label}.{fakes.DOMAIN}" for label in ("mta-sts", "autoconfig", "autodiscover")))
PLAN = Plan.model_validate(
    {
        "servers": [{"id": "mx1", "roles": ["all-in-one"]}],
        "domain": {"primary_domain": fakes.DOMAIN, "hostname": fakes.HOST},
        "security": {"tls": {"provider": "letsencrypt", "acme_directory": "https://acme.example.test/dir"}},
    }
)
MIDDLE = issue("Middle", issue("Root", authority=True), authority=True)
AUTOCONFIG = render(
    "nginx",
    "autoconfig.xml",
    domain=fakes.DOMAIN,
    shown=fakes.DOMAIN,
    login="%EMAILADDRESS%",
    hostname=fakes.HOST,
)
AUTODISCOVER = render("nginx", "autodiscover.xml", hostname=fakes.HOST)
HSTS = "Strict-Transport-Security: max-age=63072000"

Reply = tuple[int, str, str]
MakeSite = Callable[..., web.Site]


def context(pair: Pair, folder: Path) -> ssl.SSLContext:
    (folder / "chain.pem").write_text(pair.pem)
    (folder / "key.pem").write_text(pair.key_pem())
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.load_cert_chain(folder / "chain.pem", folder / "key.pem")
    return made


def answering(status: int, head: str, body: str) -> Callable[[Any], None]:
    """A web server that gives one answer; ``$mailwiz_login`` becomes the address of the request, as in nginx."""

    def handle(connection: Any) -> None:
        request = b""
        while b"\r\n\r\n" not in request or (b"POST" in request and b":Autodiscover>" not in request):
            if not (part := connection.recv(4096)):
                return
            request += part
        found = re.search(rb"<a:EMailAddress>(.*)</a:EMailAddress>", request)
        login = f"<LoginName>{found[1].decode()}</LoginName>" if found else ""
        content = body.replace("$mailwiz_login", login).encode()
        lines = f"HTTP/1.1 {status} X\r\n{head}\r\nContent-Length: {len(content)}\r\nConnection: close\r\n\r\n"
        connection.sendall(lines.encode() + content)

    return handle


@pytest.fixture
def site(serve: Serve, target: MakeTarget, tmp_path: Path) -> MakeSite:
    """A site with one answer, and mail services beside it that show the same certificate."""

    def make(head: str, body: str = "", status: int = 200, names: tuple[str, ...] = NAMES) -> web.Site:
        tls = context(issue("mail", MIDDLE, names=names), tmp_path)
        mail = {
            993: serve(fakes.Imap(), tls),
            143: serve(fakes.Imap(clear=True, tls=tls)),
            465: serve(fakes.Smtp(tls), tls),
            587: serve(fakes.Smtp(tls)),
        }
        answer = answering(status, head, body)
        made = target({80: serve(answer), 443: serve(answer, tls), **mail}, ports=WEB_PORTS)
        return web.Site(made, MIDDLE.pem)

    return make


def test_right_policy_passes(site: MakeSite) -> None:
    told = web.check_policy(site("Content-Type: text/plain", mta_sts_policy(PLAN)), PLAN, fakes.DOMAIN)
    assert told == f"version: STSv1 mode: enforce mx: {fakes.HOST} max_age: 604800"


@pytest.mark.parametrize(
    ("head", "body", "status", "said"),
    [
        ("Content-Type: text/html", mta_sts_policy(PLAN), 200, "expected text/plain, got text/html"),
        ("Location: https://elsewhere", "", 301, "expected 200, got 301 https://elsewhere"),
        ("Content-Type: text/plain", mta_sts_policy(PLAN).replace("enforce", "none"), 200, "mode: none"),
        ("Content-Type: text/plain", mta_sts_policy(PLAN).replace("mail.", "mx."), 200, "mx: mx.example"),
    ],
)
def test_wrong_policy_fails(site: MakeSite, head: str, body: str, status: int, said: str) -> None:
    with pytest.raises(Failed, match=re.escape(said)):
        web.check_policy(site(head, body, status), PLAN, fakes.DOMAIN)


def test_certificate_without_the_name_fails(site: MakeSite) -> None:
    made = site("Content-Type: text/plain", mta_sts_policy(PLAN), names=(fakes.HOST,))
    with pytest.raises(Failed, match=rf"no client trusts the certificate for mta-sts\.{fakes.DOMAIN}"):
        web.check_policy(made, PLAN, fakes.DOMAIN)


def test_settings_name_the_mail_hostname_and_not_the_servers_own_name(site: MakeSite) -> None:
    made = site("Content-Type: text/xml", AUTOCONFIG)
    own = dataclasses.replace(made, target=dataclasses.replace(made.target, hostname="out1.example.test"))
    with pytest.raises(Failed, match=f"expected a service of out1.example.test, got {re.escape(fakes.HOST)}:993"):
        web.check_autoconfig(own, fakes.DOMAIN)
    assert "imap 993 SSL" in web.check_autoconfig(dataclasses.replace(own, mail_host=fakes.HOST), fakes.DOMAIN)


def test_certificate_of_another_authority_fails(site: MakeSite) -> None:
    made = site("Content-Type: text/plain", mta_sts_policy(PLAN))
    for stranger in (web.Site(made.target, issue("Other", authority=True).pem), web.Site(made.target)):
        with pytest.raises(Failed, match="no client trusts"):
            web.check_policy(stranger, PLAN, fakes.DOMAIN)


def test_right_settings_pass(site: MakeSite) -> None:
    told = web.check_autoconfig(site("Content-Type: text/xml", AUTOCONFIG), fakes.DOMAIN)
    assert told == "imap 993 SSL, imap 143 STARTTLS, smtp 465 SSL, smtp 587 STARTTLS"
    told = web.check_autodiscover(site("Content-Type: text/xml", AUTODISCOVER), fakes.DOMAIN)
    assert told == "IMAP 993, SMTP 465"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("<port>993<", "<port>995<", "which is not one of its services"),
        (f"<hostname>{fakes.HOST}", "<hostname>imap.example.test", "which is not one of its services"),
        ("<socketType>SSL", "<socketType>plain", "which is not one of its services"),
        (f"<domain>{fakes.DOMAIN}", "<domain>other.test", "expected settings for"),
        ("%EMAILADDRESS%", "%EMAILLOCALPART%", "the whole address"),
        ("outgoingServer", "someServer", "an incoming and an outgoing server"),
        ("<clientConfig", "<clientConfig<", "expected XML"),
        ("<clientConfig", "<!DOCTYPE x><clientConfig", "document type"),
    ],
)
def test_wrong_autoconfig_fails(site: MakeSite, old: str, new: str, said: str) -> None:
    assert old in AUTOCONFIG
    with pytest.raises(Failed, match=said):
        web.check_autoconfig(site("Content-Type: text/xml", AUTOCONFIG.replace(old, new)), fakes.DOMAIN)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("$mailwiz_login", "", "expected the login name"),
        ("<Port>465", "<Port>25", "which is not one of its services"),
        ("<Type>SMTP", "<Type>POP3", "expected the protocols"),
    ],
)
def test_wrong_autodiscover_fails(site: MakeSite, old: str, new: str, said: str) -> None:
    assert old in AUTODISCOVER
    with pytest.raises(Failed, match=said):
        web.check_autodiscover(site("Content-Type: text/xml", AUTODISCOVER.replace(old, new)), fakes.DOMAIN)


def test_mail_host_wants_https_and_tells_no_version(site: MakeSite) -> None:
    assert web.check_host(site(f"Server: nginx\r\n{HSTS}", status=404)) == "HSTS for 730 days"
    with pytest.raises(Failed, match="Strict-Transport-Security"):
        web.check_host(site("Server: nginx"))
    with pytest.raises(Failed, match="expected no version"):
        web.check_host(site(f"Server: nginx/1.26.3\r\n{HSTS}"))


def test_plain_http_must_lead_to_https(site: MakeSite) -> None:
    right = f"Location: https://{fakes.HOST}/some/where"
    assert web.check_redirect(site(right, status=301))
    for status, head in ((200, "A: b"), (302, right), (301, "Location: https://elsewhere/some/where")):
        with pytest.raises(Failed, match="expected a permanent redirect"):
            web.check_redirect(site(head, status=status))


def test_foreign_names_must_be_refused(site: MakeSite, serve: Serve, target: MakeTarget) -> None:
    with pytest.raises(Failed, match="got a certificate for it"):
        web.check_unknown_name(site("A: b").target)
    refusing = serve(lambda connection: connection.recv(1) and connection.sendall(b"\x15\x03\x03\x00\x02\x02\x70"))
    assert web.check_unknown_name(target({443: refusing}, ports=WEB_PORTS))


def test_checks_follow_the_plan(target: MakeTarget) -> None:
    def ids(plan: Plan, known: FactsFile | None = None) -> set[str]:
        found = web.checks(target({}, ports=WEB_PORTS), plan, known or FactsFile(), "")
        return {check.id for check in found}

    always = {"web.redirect", "web.unknown-name"}
    names = {f"web.{what}.{fakes.DOMAIN}" for what in ("mta-sts", "autoconfig", "autodiscover")}
    assert ids(PLAN) == always | names | {"web.https"}
    assert ids(_with(provider="selfsigned")) == always
    own = FactsFile(custom=TlsPublic(subject_names=(fakes.HOST, f"*.{fakes.DOMAIN}")))
    custom = _with(provider="custom")
    assert ids(custom, own) == always | {"web.https"} | {n for n in names if "mta-sts" not in n}
    trusted = FactsFile(custom=TlsPublic(subject_names=(fakes.HOST, f"mta-sts.{fakes.DOMAIN}"), trusted=True))
    assert ids(custom, trusted) == always | {"web.https", f"web.mta-sts.{fakes.DOMAIN}"}
    assert web.checks(target({}), PLAN, FactsFile(), "") == []


def test_name_that_leads_nowhere_yet_is_a_warning(target: MakeTarget) -> None:
    left = {f"autoconfig.{fakes.DOMAIN}": "is not in the DNS yet"}
    found = {c.id: c for c in web.checks(target({}, ports=WEB_PORTS), PLAN, FactsFile(), "", left)}
    with pytest.raises(Warned, match="is not in the DNS yet, so the certificate is not for it"):
        found[f"web.autoconfig.{fakes.DOMAIN}"].action()
    assert "Publish" in found[f"web.autoconfig.{fakes.DOMAIN}"].advice
    with pytest.raises(OSError, match="refused"):
        found[f"web.mta-sts.{fakes.DOMAIN}"].action()


def test_public_trust_is_expected_of_public_authorities_only() -> None:
    assert web.public(_with(provider="letsencrypt"), FactsFile())
    assert not web.public(PLAN, FactsFile())
    assert not web.public(_with(provider="selfsigned"), FactsFile())
    assert not web.public(_with(provider="custom"), FactsFile(custom=TlsPublic()))
    assert web.public(_with(provider="custom"), FactsFile(custom=TlsPublic(trusted=True)))


def _with(**tls: str) -> Plan:
    return Plan.model_validate({**PLAN.model_dump(mode="json"), "security": {"tls": tls}})
