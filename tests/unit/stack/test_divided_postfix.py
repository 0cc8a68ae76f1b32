"""Postfix where roles are divided: what its settings want is among its services."""

from __future__ import annotations

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
