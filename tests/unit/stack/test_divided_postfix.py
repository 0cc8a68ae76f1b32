"""Postfix where roles are divided: what its settings want is among its services."""

from __future__ import annotations

import re

import pytest

from mailwiz_tui.stack.compile import compile_server

from . import cases


@pytest.mark.parametrize("server_id", [server.id for server in cases.distributed().servers])
def test_connections_can_be_used_again_where_the_settings_say_so(server_id: str) -> None:
    """Without tlsproxy(8) mail is deferred as soon as there is enough of it to use a connection twice."""
    files = compile_server(cases.distributed(), server_id, cases.distributed_facts()).files()
    if "/etc/postfix/main.cf" not in files:
        return
    reused = "_tls_connection_reuse = yes" in files["/etc/postfix/main.cf"].content
    services = {line.split()[0] for line in files["/etc/postfix/master.cf"].content.splitlines() if line.strip()}
    assert not reused or "tlsproxy" in services


@pytest.mark.parametrize("server_id", [server.id for server in cases.distributed().servers])
def test_a_service_with_authorities_of_its_own_does_not_share_connections(server_id: str) -> None:
    """A reused connection is tlsproxy(8)'s, in a chroot and with main.cf's authorities: it refuses the others."""
    files = compile_server(cases.distributed(), server_id, cases.distributed_facts()).files()
    if "/etc/postfix/main.cf" not in files:
        return
    services = re.split(r"(?m)^(?=\S)", files["/etc/postfix/master.cf"].content)
    own = [service for service in services if "smtp_tls_CAfile=" in service]
    reused = "\nsmtp_tls_connection_reuse = yes" in files["/etc/postfix/main.cf"].content
    assert own or not reused or server_id.startswith("out")
    for service in own:
        assert not reused or "-o smtp_tls_connection_reuse=no\n" in service, service
