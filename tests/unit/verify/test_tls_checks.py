"""The TLS checks, each against a server that is right and one that is wrong in just that way."""

from __future__ import annotations

import dataclasses
import ssl
from pathlib import Path

import pytest

from mailwiz_tui.stack.blueprint import Port
from mailwiz_tui.verify import tls
from mailwiz_tui.verify.check import Failed, NotRun, Warned, perform
from mailwiz_tui.verify.result import CheckState
from tests.unit.verify import fakes
from tests.unit.verify.conftest import PORTS, MakeTarget, Serve

BY_NUMBER = {port.number: port for port in PORTS}
IMAPS: Port = BY_NUMBER[993]


def context(cert: fakes.Certificate, low: ssl.TLSVersion, high: ssl.TLSVersion) -> ssl.SSLContext:
    made = cert.context()
    made.set_ciphers("ALL:@SECLEVEL=0")
    made.minimum_version, made.maximum_version = low, high
    return made


def quiet(connection: object) -> None:
    connection.recv(1)  # type: ignore[attr-defined]


async def test_right_server_passes(serve: Serve, target: MakeTarget, cert: fakes.Certificate) -> None:
    made = target({993: serve(fakes.Imap(), cert.context())})
    assert "1.3 work" in tls.check_versions(made, IMAPS)
    assert fakes.HOST in tls.check_certificate(made, IMAPS)


@pytest.mark.parametrize("number", [25, 143, 4190])
async def test_starttls_in_each_protocol(
    serve: Serve, target: MakeTarget, cert: fakes.Certificate, number: int
) -> None:
    handlers = {
        25: fakes.Smtp(cert.context()),
        143: fakes.Imap(clear=True, tls=cert.context()),
        4190: fakes.sieve(cert.context()),
    }
    made = target({number: serve(handlers[number])})
    assert tls.check_versions(made, BY_NUMBER[number])
    assert tls.check_certificate(made, BY_NUMBER[number])


async def test_no_starttls_fails(serve: Serve, target: MakeTarget, cert: fakes.Certificate) -> None:
    made = target({25: serve(fakes.Smtp(cert.context(), starttls=False))})
    with pytest.raises(Failed, match="expected STARTTLS among the extensions"):
        tls.check_versions(made, BY_NUMBER[25])


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_3, "expected TLS 1.0 to be refused"),
        (ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_3, "expected TLS 1.1 to be refused"),
        (ssl.TLSVersion.TLSv1_3, ssl.TLSVersion.TLSv1_3, "expected a handshake with TLS 1.2"),
        (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_2, "expected a handshake with TLS 1.3"),
    ],
)
async def test_wrong_versions_fail(
    serve: Serve, target: MakeTarget, cert: fakes.Certificate, low: ssl.TLSVersion, high: ssl.TLSVersion, said: str
) -> None:
    made = target({993: serve(quiet, context(cert, low, high))})
    with pytest.raises(Failed, match=said):
        tls.check_versions(made, IMAPS)


async def test_another_certificate_fails(
    serve: Serve, target: MakeTarget, cert: fakes.Certificate, folder: Path
) -> None:
    other = fakes.certificate(folder)
    made = target({993: serve(quiet, other.context())})
    with pytest.raises(Failed, match="with another key"):
        tls.check_certificate(made, IMAPS)


@pytest.mark.parametrize(
    ("name", "days", "started", "said"),
    [
        ("other.example.test", 90, 1, f"expected the name {fakes.HOST}"),
        (fakes.HOST, -1, 9, "expected a certificate valid today"),
        (fakes.HOST, 90, -2, "expected a certificate valid today"),
    ],
)
async def test_bad_certificate_fails(
    serve: Serve, target: MakeTarget, folder: Path, name: str, days: float, started: float, said: str
) -> None:
    bad = fakes.certificate(folder, name, days=days, started=started)
    made = target({993: serve(quiet, bad.context())}, pem=bad.pem)
    with pytest.raises(Failed, match=said):
        tls.check_certificate(made, IMAPS)


async def test_certificate_near_its_end_warns(serve: Serve, target: MakeTarget, folder: Path) -> None:
    short = fakes.certificate(folder, days=5)
    made = target({993: serve(quiet, short.context())}, pem=short.pem)
    with pytest.raises(Warned, match="expires in 5 days"):
        tls.check_certificate(made, IMAPS)


async def test_unknown_certificate_is_not_taken_on_trust(target: MakeTarget) -> None:
    with pytest.raises(NotRun):
        tls.check_certificate(target({}, pem=""), IMAPS)


async def test_dead_port_fails_and_is_no_refusal_of_old_versions(target: MakeTarget) -> None:
    made = target({993: 1})
    (versions, _) = tls.checks(dataclasses.replace(made, ports=(IMAPS,)))
    result = await perform(versions, "mx1")
    assert result.state is CheckState.FAILED
    assert "refused: no program listens there" in result.detail


@pytest.mark.parametrize(
    ("names", "host", "result"),
    [
        (["mail.example.test"], "MAIL.example.test", True),
        (["*.example.test"], "mail.example.test", True),
        (["*.example.test"], "a.mail.example.test", False),
        (["*.example.test"], "example.test", False),
        ([], "mail.example.test", False),
    ],
)
def test_names(names: list[str], host: str, result: bool) -> None:
    assert tls.covers(names, host) is result
