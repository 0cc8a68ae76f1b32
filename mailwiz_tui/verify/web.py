"""What the world fetches over HTTPS: the MTA-STS policy and the settings of mail programs.

RFC 8461 section 3.3 (policy), draft-ietf-mailmaint-autoconfig and [MS-OXDSCLI] (settings), RFC 6797 (HSTS).
Certificates are verified against the authorities of this machine; those of the operator's own authority against the
issuer that the server reported over SSH.
"""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from xml.etree import ElementTree

from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.fleet.web import Web, web
from mailwiz_tui.plan.dnsnames import display_name
from mailwiz_tui.plan.model import Plan, TlsProvider
from mailwiz_tui.plan.published import mta_sts_policy
from mailwiz_tui.plan.words import counted
from mailwiz_tui.stack.blueprint import PortTls
from mailwiz_tui.verify import tls
from mailwiz_tui.verify.check import Check, Failed, Warned
from mailwiz_tui.verify.target import Target

HTTP, HTTPS = 80, 443
XML = "text/xml; charset=utf-8"
MOST_BYTES = 1 << 18
HSTS_LEAST = 31536000
SOCKET_TYPES = {"SSL": PortTls.IMPLICIT, "STARTTLS": PortTls.STARTTLS}
AUTODISCOVER = "http://schemas.microsoft.com/exchange/autodiscover"
_RENEW = "Publish the records of this name if they are missing, then apply again."
_APPLY = "Apply again; on the server: nginx -t; journalctl -u nginx -n 50"


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer: status, headers with names in lower case, body, and the cookies that it sets."""

    status: int
    headers: dict[str, str]
    body: bytes
    cookies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Site:
    """A server's web sites: how to reach them, and which issuer to trust.

    ``issuer`` is PEM, empty for public trust. ``mail_host`` is the name that settings for mail programs must have,
    if it is not the server's own.
    """

    target: Target
    issuer: str = ""
    mail_host: str = ""

    def trusting(self) -> ssl.SSLContext:
        """A client context that accepts only certificates of the expected issuer for the requested name."""
        if not self.issuer:
            return ssl.create_default_context()
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        context.load_verify_locations(cadata=self.issuer)
        return context

    def fetch(
        self, name: str, path: str, *, body: bytes = b"", secure: bool = True, kind: str = XML, cookies: str = ""
    ) -> Answer:
        """GET, or POST if there is a body. Raises ``Failed`` for an untrusted certificate, and OSError."""
        port = HTTPS if secure else HTTP
        with socket.create_connection(self.target.at(port), timeout=self.target.seconds) as plain:
            if not secure:
                return _exchange(plain, name, path, body, kind, cookies)
            try:
                with self.trusting().wrap_socket(plain, server_hostname=name) as secured:
                    return _exchange(secured, name, path, body, kind, cookies)
            except ssl.SSLCertVerificationError as error:
                raise Failed(
                    f"no client trusts the certificate for {name}: {error.verify_message}", _RENEW
                ) from error
            except ssl.SSLError as error:
                raise Failed(f"no TLS for {name}: {error.reason or error}") from error


def checks(
    target: Target, plan: Plan, known: FactsFile, issuer: str, left_out: Mapping[str, str] | None = None
) -> list[Check]:
    """The checks of a server that serves HTTPS; ``issuer`` is the certificate's issuer as told over SSH, PEM.

    ``left_out`` are names that the server could not get a certificate for, with the reason: their checks warn.
    """
    if not target.offers(HTTPS):
        return []
    site = Site(target, "" if public(plan, known) else issuer, plan.domain.hostname)
    served = web(plan, known)
    found = [
        Check("web.redirect", "Plain HTTP redirects to HTTPS.", partial(check_redirect, site), _APPLY),
        Check(
            "web.unknown-name",
            "Port 443 answers only for the server's own names.",
            partial(check_unknown_name, target),
            _APPLY,
        ),
    ]
    if plan.security.tls.provider is not TlsProvider.SELFSIGNED:
        proves = "The web site of the mail host has a trusted certificate, sends HSTS and tells no version."
        found.append(Check("web.https", proves, partial(check_host, site), _APPLY))
    return found + _names(site, plan, served, left_out or {})


def public(plan: Plan, known: FactsFile) -> bool:
    """Whether every client should trust the certificate."""
    security = plan.security.tls
    if security.provider is TlsProvider.LETSENCRYPT:
        return not security.acme_directory
    return security.provider is TlsProvider.CUSTOM and bool(known.custom and known.custom.trusted)


def _names(site: Site, plan: Plan, served: Web, left_out: Mapping[str, str]) -> list[Check]:
    found: list[Check] = []

    def add(what: str, domain: str, proves: str, action: Callable[[], str]) -> None:
        reason = left_out.get(f"{what}.{domain}", "")
        if reason:
            action = partial(_left_out, f"{what}.{domain}", reason)
        found.append(Check(f"web.{what}.{domain}", proves, action, _RENEW if reason else _APPLY))

    for domain in served.mta_sts:
        proves = f"Sending servers can fetch the MTA-STS policy of {domain}, and it names the planned hosts."
        add("mta-sts", domain, proves, partial(check_policy, site, plan, domain))
    for domain in served.autoconfig:
        proves = f"Mail programs can fetch working settings for {domain} (autoconfig)."
        add("autoconfig", domain, proves, partial(check_autoconfig, site, domain))
    for domain in served.autodiscover:
        proves = f"Outlook gets working settings for {domain} (autodiscover)."
        add("autodiscover", domain, proves, partial(check_autodiscover, site, domain))
    return found


def _left_out(name: str, reason: str) -> str:
    raise Warned(f"{name} {reason}, so the certificate is not for it")


def check_redirect(site: Site) -> str:
    """Port 80 redirects to port 443 of the same name."""
    answer = site.fetch(site.target.hostname, "/some/where", secure=False)
    wanted = f"https://{site.target.hostname}/some/where"
    if answer.status not in (301, 308) or answer.headers.get("location") != wanted:
        got = f"{answer.status} {answer.headers.get('location', '')}".strip()
        raise Failed(f"expected a permanent redirect to {wanted}, got {got}")
    return f"{answer.status} to {wanted}"


def check_unknown_name(target: Target) -> str:
    """A TLS handshake for a foreign name gets no certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    with socket.create_connection(target.at(HTTPS), timeout=target.seconds) as plain:
        try:
            with context.wrap_socket(plain, server_hostname="name-of-nobody.invalid"):
                pass
        except (ssl.SSLError, ConnectionResetError):
            return "a foreign name is refused during the TLS handshake"
    raise Failed("expected a foreign name to be refused, but got a certificate for it")


def check_host(site: Site) -> str:
    """HSTS for at least a year, and no version in the answer."""
    answer = site.fetch(site.target.hostname, "/")
    return well_spoken(answer)


def well_spoken(answer: Answer) -> str:
    """HSTS for at least a year and no version, in words. Raises ``Failed``."""
    found = re.search(r"max-age=(\d+)", answer.headers.get("strict-transport-security", ""))
    if not found or int(found[1]) < HSTS_LEAST:
        raise Failed("expected Strict-Transport-Security for at least a year, got none")
    for header in ("server", "x-powered-by"):
        if re.search(r"\d", answer.headers.get(header, "")):
            raise Failed(f"expected no version in the answer, got “{header}: {answer.headers[header]}”")
    return f"HSTS for {counted(int(found[1]) // 86400, 'day')}"


def check_policy(site: Site, plan: Plan, domain: str) -> str:
    """The policy is plain text, comes without a redirect, and equals the planned one."""
    name = f"mta-sts.{domain}"
    answer = _ok(site.fetch(name, "/.well-known/mta-sts.txt"), "text/plain")
    expected, got = mta_sts_policy(plan).split(), answer.body.decode("utf-8", "replace").split()
    if got != expected:
        raise Failed(f"expected the policy “{' '.join(expected)}”, got “{' '.join(got)}”")
    return " ".join(got)


def check_autoconfig(site: Site, domain: str) -> str:
    """Every server in the file answers as the file says."""
    answer = _ok(site.fetch(f"autoconfig.{domain}", f"/mail/config-v1.1.xml?emailaddress=x%40{domain}"), "text/xml")
    provider = _xml(answer.body).find("emailProvider")
    if provider is None or domain not in [element.text for element in provider.iter("domain")]:
        raise Failed(f"expected settings for {domain}, got others")
    servers = [*provider.iter("incomingServer"), *provider.iter("outgoingServer")]
    if {server.tag for server in servers} != {"incomingServer", "outgoingServer"}:
        raise Failed("expected an incoming and an outgoing server")
    for server in servers:
        kind = server.findtext("socketType", "")
        _answers(site, server.findtext("hostname", ""), server.findtext("port", ""), SOCKET_TYPES.get(kind))
        if server.findtext("username") not in ("%EMAILADDRESS%", f"%EMAILLOCALPART%@{domain}"):
            raise Failed("expected the whole address as the user's name")
    return ", ".join(f"{s.get('type')} {s.findtext('port')} {s.findtext('socketType')}" for s in servers)


def check_autodiscover(site: Site, domain: str) -> str:
    """Outlook's request, its path in another letter case, gets the address and working servers."""
    address = f"anna.b+c@{domain}"
    request = (
        f'<?xml version="1.0" encoding="utf-8"?><a:Autodiscover '
        f'xmlns:a="{AUTODISCOVER}/outlook/requestschema/2006"><a:Request>'
        f"<a:EMailAddress>anna.b+c@{display_name(domain)}</a:EMailAddress><a:AcceptableResponseSchema>"
        f"{AUTODISCOVER}/outlook/responseschema/2006a</a:AcceptableResponseSchema></a:Request></a:Autodiscover>"
    )
    name, path = f"autodiscover.{domain}", "/Autodiscover/Autodiscover.xml"
    answer = _ok(site.fetch(name, path, body=request.encode()), "text/xml")
    space = f"{{{AUTODISCOVER}/outlook/responseschema/2006a}}"
    protocols = list(_xml(answer.body).iter(f"{space}Protocol"))
    if [p.findtext(f"{space}Type") for p in protocols] != ["IMAP", "SMTP"]:
        raise Failed("expected the protocols IMAP and SMTP")
    for protocol in protocols:
        if protocol.findtext(f"{space}LoginName") != address:
            raise Failed(f"expected the login name {address}, got {protocol.findtext(f'{space}LoginName')}")
        _answers(
            site, protocol.findtext(f"{space}Server", ""), protocol.findtext(f"{space}Port", ""), PortTls.IMPLICIT
        )
    return ", ".join(f"{p.findtext(f'{space}Type')} {p.findtext(f'{space}Port')}" for p in protocols)


def _answers(site: Site, host: str, port: str, kind: PortTls | None) -> None:
    """Raise ``Failed`` unless a service of this target answers there, with a certificate for its name."""
    target, wanted = site.target, site.mail_host or site.target.hostname
    known = next((p for p in target.tls_ports() if str(p.number) == port and p.tls is kind), None)
    if host != wanted or known is None:
        raise Failed(f"expected a service of {wanted}, got {host}:{port}, which is not one of its services")
    try:
        with tls.ready(target, known) as plain, site.trusting().wrap_socket(plain, server_hostname=host):
            pass
    except ssl.SSLCertVerificationError as error:
        raise Failed(f"no client trusts the certificate at {host}:{port}: {error.verify_message}") from error


def _ok(answer: Answer, kind: str) -> Answer:
    if answer.status != 200:
        raise Failed(f"expected 200, got {answer.status} {answer.headers.get('location', '')}".rstrip())
    if not answer.headers.get("content-type", "").startswith(kind):
        raise Failed(f"expected {kind}, got {answer.headers.get('content-type', 'no type')}")
    return answer


def _xml(body: bytes) -> ElementTree.Element:
    if b"<!DOCTYPE" in body or b"<!ENTITY" in body:
        raise Failed("expected plain XML, got a document type")
    try:
        return ElementTree.fromstring(body)  # noqa: S314
    except ElementTree.ParseError as error:
        raise Failed(f"expected XML, but the answer cannot be parsed: {error}") from error


def _exchange(connection: socket.socket, name: str, path: str, body: bytes, kind: str, cookies: str) -> Answer:
    lines = [f"{'POST' if body else 'GET'} {path} HTTP/1.1", f"Host: {name}", "Connection: close", "Accept: */*"]
    if body:
        lines += [f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    if cookies:
        lines.append(f"Cookie: {cookies}")
    connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii") + body)
    response = http.client.HTTPResponse(connection)
    try:
        response.begin()
        content = response.read(MOST_BYTES)
    except http.client.HTTPException as error:
        raise Failed(f"expected an HTTP answer from {name}, but it cannot be parsed: {error}") from error
    headers = {k.lower(): v for k, v in response.getheaders()}
    return Answer(response.status, headers, content, tuple(response.headers.get_all("set-cookie", [])))
