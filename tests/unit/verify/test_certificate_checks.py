"""The certificate of a server among several: shared names, TLSA records, and challenges of every server."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from mailwiz_tui.fleet.facts import FactsFile, ServerRecord, TlsPublic
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.stack.blueprint import Port, Scope
from mailwiz_tui.stack.nginx.challenges import samples
from mailwiz_tui.verify import certificate, tls
from mailwiz_tui.verify.check import Failed, NotRun, Warned
from mailwiz_tui.verify.web import Site
from tests.unit.certificates import issue
from tests.unit.stack import cases
from tests.unit.verify.conftest import PORTS, MakeTarget, Serve

PLAN = cases.two_fronts()
SHARED = PLAN.domain.hostname
KNOWN = FactsFile(servers={name: ServerRecord(tls=TlsPublic(spki_sha256="ab")) for name in ("out1", "out2", "in1")})


@pytest.fixture
def front(target: MakeTarget) -> Callable[..., Any]:
    def make(redirect: dict[int, int] | None = None, *, server_id: str = "out1", **changes: Any) -> Any:
        name = f"{server_id}.example.com"
        ports = (*PORTS, Port(80, "http", Scope.PUBLIC))
        return target(redirect or {}, **{"server_id": server_id, "hostname": name, "ports": ports} | changes)

    return make


@pytest.mark.parametrize(
    ("plan", "server_id", "ids"),
    [
        (PLAN, "out1", ["tls.shared-name", "tls.tlsa", "web.challenges"]),
        (PLAN, "in1", ["tls.tlsa"]),
        (cases.two_fronts(provider="selfsigned"), "out2", ["tls.shared-name", "tls.tlsa"]),
        (cases.distributed(), "out1", ["tls.shared-name"]),
        (cases.distributed(), "store1", []),
    ],
)
def test_each_server_has_the_checks_of_what_it_shows(
    front: Callable[..., Any], plan: Plan, server_id: str, ids: list[str]
) -> None:
    assert [check.id for check in certificate.checks(front(server_id=server_id), plan, KNOWN, {})] == ids


def test_one_server_has_no_shared_name(target: MakeTarget) -> None:
    made = target({}, hostname="mail.example.com")
    assert [c.id for c in certificate.checks(made, cases.plan(), KNOWN, {})] == ["tls.tlsa"]


def test_a_name_that_the_certificate_lacks_fails_or_says_why(front: Callable[..., Any]) -> None:
    both = front(pem=issue("mail", names=("out1.example.com", SHARED)).pem)
    assert SHARED in certificate.check_name(both, SHARED, "")
    own = front(pem=issue("mail", names=("out1.example.com",)).pem)
    with pytest.raises(Failed, match=f"expected the name {re.escape(SHARED)} in the certificate, got out1"):
        certificate.check_name(own, SHARED, "")
    with pytest.raises(Warned, match="is not in the DNS yet, so the certificate is not for it"):
        certificate.check_name(own, SHARED, "is not in the DNS yet")
    with pytest.raises(NotRun):
        certificate.check_name(front(pem=""), SHARED, "")


def test_another_key_than_that_of_the_records_fails(front: Callable[..., Any]) -> None:
    pair = issue("mail", names=("out1.example.com",))
    spki = tls.spki(pair.certificate)
    made = front(pem=pair.pem)
    known = FactsFile(servers={"out1": ServerRecord(tls=TlsPublic(spki_sha256=spki))})
    assert certificate.check_key(made, known) == f"3 1 1 {spki[:16]}…"
    with pytest.raises(Failed, match="expected the key ab"):
        certificate.check_key(made, KNOWN)
    with pytest.raises(NotRun):
        certificate.check_key(made, FactsFile())


def web_server(files: dict[str, str]) -> Callable[[Any], None]:
    """Answers with these files."""

    def handle(connection: Any) -> None:
        request = b""
        while b"\r\n\r\n" not in request:
            if not (part := connection.recv(4096)):
                return
            request += part
        body = files.get(request.split()[1].decode())
        status = "200 OK" if body is not None else "404 Not Found"
        content = body or ""
        connection.sendall(f"HTTP/1.1 {status}\r\nContent-Length: {len(content)}\r\n\r\n{content}".encode())

    return handle


def test_a_front_that_lacks_the_challenges_of_another_fails(front: Callable[..., Any], serve: Serve) -> None:
    files = dict(samples(PLAN).values())
    right = Site(front({80: serve(web_server(files))}))
    assert certificate.check_challenges(right, PLAN) == "challenges of out1, out2"
    path, _ = samples(PLAN)["out2"]
    lacking = Site(front({80: serve(web_server({p: text for p, text in files.items() if p != path}))}))
    with pytest.raises(Failed, match=f"expected the file of out2 at {path}, got 404"):
        certificate.check_challenges(lacking, PLAN)
    stranger = Site(front({80: serve(web_server({**files, path: "else"}))}))
    with pytest.raises(Failed, match="got another file"):
        certificate.check_challenges(stranger, PLAN)
