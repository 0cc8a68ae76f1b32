"""The comparison with the live DNS, against a real name server on this machine's loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest
import pytest_asyncio

from mailwiz_tui.dns.export import as_zone
from mailwiz_tui.dns.live import RecordState, State, address_of, compare
from mailwiz_tui.dns.lookup import ResolverError, split_address
from mailwiz_tui.dns.record import Record
from mailwiz_tui.dns.records import plan_records
from mailwiz_tui.fleet.facts import FactsFile
from mailwiz_tui.plan.model import Plan
from tests.unit.dns.name_server import NameServer

HEAD = "@ 5 IN SOA ns.test. root.test. 1 2 3 4 5\n@ 5 IN NS ns.test.\n"
ROOT = {"test": HEAD + "ns 5 IN A 127.0.0.1\n"}
REVERSE = HEAD + "21 5 IN PTR mail.example.com.\n"

Serve = Callable[..., Coroutine[Any, Any, NameServer]]


@pytest_asyncio.fixture
async def serve() -> AsyncIterator[Serve]:
    started: list[asyncio.DatagramTransport] = []

    async def start(zones: dict[str, str], **options: Any) -> NameServer:
        transport, server = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: NameServer({**ROOT, **zones}, **options), local_addr=("127.0.0.1", 0)
        )
        started.append(transport)
        return server

    yield start
    for transport in started:
        transport.close()


async def states(server: NameServer, records: list[Record]) -> dict[tuple[str, str], RecordState]:
    found = await compare(records, f"127.0.0.1:{server.port}", patience=0.5, port=server.port)
    return {(s.record.name, s.record.type): s for s in found}


@pytest.fixture
def ipv4_only(plan: Plan, known: FactsFile) -> list[Record]:
    known.servers["mx1"].facts.public_ipv6 = ""
    return plan_records(plan, known)


async def test_all_published(serve: Serve, ipv4_only: list[Record]) -> None:
    server = await serve({"example.com": HEAD + as_zone(ipv4_only), "2.0.192.in-addr.arpa": REVERSE})
    found = await states(server, ipv4_only)
    assert {s.state for s in found.values()} == {State.PUBLISHED}, [s.line for s in found.values() if not s.fine]
    assert "not signed" in found["_25._tcp.mail.example.com", "TLSA"].detail
    assert found["example.com", "MX"].source == "127.0.0.1"
    assert "example.com" in server.direct


async def test_nothing_published(serve: Serve, ipv4_only: list[Record]) -> None:
    server = await serve({"example.com": HEAD, "2.0.192.in-addr.arpa": HEAD})
    found = await states(server, ipv4_only)
    assert {s.state for s in found.values()} == {State.MISSING}
    assert found["example.com", "MX"].line == (
        "missing    required     example.com MX: publish 10 mail.example.com."
    )


async def test_two_spf_records_and_foreign_text(serve: Serve, ipv4_only: list[Record]) -> None:
    zone = HEAD + as_zone(ipv4_only) + '\n@ 5 IN TXT "v=spf1 include:old.example -all"\n@ 5 IN TXT "ms=1"\n'
    server = await serve({"example.com": zone})
    state = (await states(server, ipv4_only))["example.com", "TXT"]
    assert state.state is State.WRONG
    assert "2 records where SPF" in state.detail


async def test_reverse_name_that_does_not_lead_back(serve: Serve, ipv4_only: list[Record]) -> None:
    zone = HEAD + as_zone(ipv4_only).replace("192.0.2.21", "192.0.2.99")
    server = await serve({"example.com": zone, "2.0.192.in-addr.arpa": REVERSE})
    state = (await states(server, ipv4_only))["21.2.0.192.in-addr.arpa", "PTR"]
    assert state.state is State.WRONG
    assert "does not resolve to 192.0.2.21" in state.detail


async def test_zone_servers_that_refuse_leave_the_resolver(serve: Serve, ipv4_only: list[Record]) -> None:
    server = await serve({"example.com": HEAD + as_zone(ipv4_only)}, refusing=True)
    state = (await states(server, ipv4_only))["example.com", "MX"]
    assert state.state is State.PUBLISHED
    assert state.source.startswith("resolver")
    assert "example.com" in server.direct


async def test_silence_is_unknown_and_never_missing(serve: Serve, ipv4_only: list[Record]) -> None:
    silent = frozenset({"2026a._domainkey.example.com"})
    server = await serve({"example.com": HEAD + as_zone(ipv4_only)}, silent=silent)
    found = await states(server, ipv4_only)
    state = found["2026a._domainkey.example.com", "TXT"]
    assert state.state is State.UNKNOWN
    assert "no server answered" in state.detail
    assert found["example.com", "MX"].state is State.PUBLISHED


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("192.0.2.53", ("192.0.2.53", 53)),
        ("192.0.2.53:5353", ("192.0.2.53", 5353)),
        ("192.0.2.53#5353", ("192.0.2.53", 5353)),
        ("2001:db8::53", ("2001:db8::53", 53)),
        ("[2001:db8::53]:5353", ("2001:db8::53", 5353)),
    ],
)
def test_resolver_addresses(text: str, result: tuple[str, int]) -> None:
    assert split_address(text) == result


@pytest.mark.parametrize("text", ["", "dns.example", "192.0.2.1:x", "[::1", "1.2.3"])
def test_what_is_no_resolver_is_said(text: str) -> None:
    if text == "[::1":
        assert split_address(text) == ("::1", 53)
    else:
        with pytest.raises(ResolverError, match="is not the address of a DNS server") as refused:
            split_address(text)
        assert refused.value.advice == "write an IP address, or ADDRESS:PORT for another port"


def test_address_of_pointer() -> None:
    assert address_of("21.2.0.192.in-addr.arpa") == "192.0.2.21"
    assert address_of(f"1.{'0.' * 23}8.b.d.0.1.0.0.2.ip6.arpa") == "2001:db8::1"
