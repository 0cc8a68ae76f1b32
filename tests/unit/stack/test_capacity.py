"""A server's limits follow from its memory, and fit each other."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwiz_tui.fleet.facts import Facts, FactsFile
from mailwiz_tui.stack.capacity import POSTFIX_MAPS, Capacity
from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.postfix.lookups import QUERIES

from . import cases

GIGABYTE = 1 << 30
DEBIAN_DESCRIPTORS = 65535
"""LimitNOFILE of Debian's dovecot.service, in both releases."""


@pytest.mark.parametrize(("gigabytes", "least"), [(4, 2000), (2, 1000), (1, 500)])
def test_so_many_imap_connections_fit(gigabytes: int, least: int) -> None:
    told = gigabytes * GIGABYTE * 95 // 100
    found = Capacity.of(Facts(memory_total=told, cpus=2))
    assert found.imap_connections >= least
    assert found.imap_working * 2.3 < told / (1 << 20) * 0.8
    assert found.auth_workers * 64 < told / (1 << 20) * 0.4


@given(st.integers(0, 512 * GIGABYTE), st.integers(0, 128))
def test_the_limits_fit_each_other(memory: int, cpus: int) -> None:
    found = Capacity.of(Facts(memory_total=memory, cpus=cpus))
    assert found.login_processes * found.login_clients >= found.imap_connections
    assert found.auth_clients > found.imap_connections + 4 * found.postfix_processes
    assert found.database_connections > found.database_postfix + found.database_dovecot
    assert found.database_postfix >= found.lookups * len(QUERIES)
    assert found.inotify_instances > found.imap_connections
    assert found.login_clients * 2 < DEBIAN_DESCRIPTORS
    assert found.imap_connections * 3 < DEBIAN_DESCRIPTORS
    assert found.auth_clients < DEBIAN_DESCRIPTORS
    assert found.imap_ready < found.imap_working <= found.imap_connections
    assert found.sasl_clients >= 3 * found.postfix_processes


def test_each_table_of_postfix_is_counted() -> None:
    assert len(QUERIES) <= POSTFIX_MAPS


@pytest.mark.parametrize("known", [cases.facts(), cases.bookworm()])
def test_the_configuration_says_so(known: FactsFile) -> None:
    facts = known.servers["mx1"].facts
    assert facts is not None
    found = Capacity.of(facts)
    files = compile_server(cases.plan(), "mx1", known).files()
    dovecot = files["/etc/dovecot/dovecot.conf"].content
    login = re.search(r"(?ms)^service imap-login \{\n  (?:service_count = 0|restart_request_count).*?^}", dovecot)
    assert login
    assert f"client_limit = {found.login_clients}" in login[0]
    assert "imap_hibernate_timeout = 5s" in dovecot
    imap = re.search(r"(?ms)^service imap \{\n.*?^}", dovecot)
    assert imap
    assert re.search(r"(?m)^  (?:service_count|restart_request_count) = 1000$", imap[0])
    assert f"process_min_avail = {found.imap_ready}\n" in imap[0]
    assert f"process_limit = {found.imap_working}\n" in imap[0]
    assert "default_vsz_limit = 1G" in dovecot
    assert f"default_process_limit = {found.postfix_processes}" in files["/etc/postfix/main.cf"].content
    database = files["/etc/mysql/mariadb.conf.d/90-mailwiz.cnf"].content
    assert f"max_connections = {found.database_connections}" in database


@pytest.mark.parametrize("server_id", ["out1", "store1", "store2"])
def test_fronts_and_stores_take_as_many_logins(server_id: str) -> None:
    dovecot = compile_server(cases.distributed(), server_id, cases.distributed_facts()).files()
    text = dovecot["/etc/dovecot/dovecot.conf"].content
    facts = cases.distributed_facts().servers[server_id].facts
    assert facts is not None
    found = Capacity.of(facts)
    assert f"  client_limit = {found.login_clients}\n" in text
    assert f"  client_limit = {found.auth_clients}\n" in text
    assert "default_vsz_limit = 1G" in text
    stores = server_id.startswith("store")
    assert ("imap_hibernate_timeout" in text) == stores
    assert (f"  process_min_avail = {found.imap_ready}\n  process_limit = {found.imap_working}\n" in text) == stores
