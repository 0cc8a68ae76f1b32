"""Fixtures: certificates, fake servers that end with the test, and a target that points at them."""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mailwiz_tui.stack.blueprint import Port, PortTls, Scope
from mailwiz_tui.verify.mailbox import Mailbox
from mailwiz_tui.verify.target import Target
from tests.unit.verify import fakes

PORTS = (
    Port(25, "smtp", Scope.PUBLIC, PortTls.STARTTLS),
    Port(587, "submission", Scope.PUBLIC, PortTls.STARTTLS),
    Port(465, "submissions", Scope.PUBLIC, PortTls.IMPLICIT),
    Port(143, "imap", Scope.PUBLIC, PortTls.STARTTLS),
    Port(993, "imaps", Scope.PUBLIC, PortTls.IMPLICIT),
    Port(4190, "managesieve", Scope.PUBLIC, PortTls.STARTTLS),
    Port(6379, "redis", Scope.LOCAL),
)

Serve = Callable[..., int]
MakeTarget = Callable[..., Target]


@pytest.fixture(scope="session")
def cert(tmp_path_factory: pytest.TempPathFactory) -> fakes.Certificate:
    return fakes.certificate(tmp_path_factory.mktemp("cert"))


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Start a handler on a port of its own and give the port."""
    started: list[fakes.Served] = []

    def start(handler: Callable[[Any], None], tls: ssl.SSLContext | None = None) -> int:
        started.append(fakes.Served(handler, tls))
        return started[-1].port

    yield start
    for server in started:
        server.close()


@pytest.fixture
def target(cert: fakes.Certificate) -> MakeTarget:
    """A target whose service ports lead to the given ports of fakes."""

    def make(redirect: dict[int, int], **changes: Any) -> Target:
        made = Target(
            server_id="mx1",
            address="127.0.0.1",
            hostname=fakes.HOST,
            domain=fakes.DOMAIN,
            pem=cert.pem,
            ports=PORTS,
            redirect=redirect,
            seconds=5,
        )
        return dataclasses.replace(made, **changes)

    return make


@pytest.fixture
def mailbox() -> Mailbox:
    return Mailbox(fakes.PROBE, SecretStr(fakes.PASSWORD))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path
