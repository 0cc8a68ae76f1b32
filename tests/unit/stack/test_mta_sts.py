"""TLS policies of destinations: DANE comes before MTA-STS, and nothing is sent while neither can be asked."""

from __future__ import annotations

import asyncio

import pytest

from mailwiz_tui.stack.compile import compile_server
from mailwiz_tui.stack.mta_sts.dane_policy import (
    Answer,
    UnknownError,
    answered,
    netstring,
    read_netstring,
    serve,
)

from . import cases

Zone = dict[tuple[str, str], Answer | None]
"""Answers by name and kind; None stands for a server that fails, what is missing for a secure denial."""


class Recorded:
    """A resolver that knows a few answers."""

    def __init__(self, zone: Zone) -> None:
        self.zone = zone

    async def ask(self, name: str, kind: str) -> Answer:
        found = self.zone.get((name, kind), Answer(True, (), name))
        if found is None:
            raise UnknownError(f"{name} {kind}: SERVFAIL")
        return found


def secure(name: str, *records: str) -> Answer:
    return Answer(True, records, name)


MX: Zone = {("dane.test", "MX"): secure("dane.test", "mx.dane.test")}
ADDRESS: Zone = {("mx.dane.test", "A"): secure("mx.dane.test", "192.0.2.1")}
TLSA: Zone = {("_25._tcp.mx.dane.test", "TLSA"): secure("_25._tcp.mx.dane.test", "3")}
PLAIN = Answer(False, ("mx.dane.test",), "dane.test")


TWO: Zone = {
    ("dane.test", "MX"): secure("dane.test", "mx.dane.test", "mx2.dane.test"),
    ("mx2.dane.test", "A"): None,
}
SIX: Zone = {("mx.dane.test", "AAAA"): secure("mx.dane.test", "2001:db8::1")}
ALIAS: Zone = {
    ("mx.dane.test", "A"): secure("real.test", "192.0.2.1"),
    ("_25._tcp.real.test", "TLSA"): secure("_25._tcp.real.test", "3"),
}
ITSELF: Zone = {
    ("dane.test", "A"): secure("dane.test", "192.0.2.1"),
    ("_25._tcp.dane.test", "TLSA"): secure("_25._tcp.dane.test", "2"),
}
UNSIGNED_HOST: Zone = {("mx.dane.test", "A"): Answer(False, ("192.0.2.1",), "mx.dane.test")}
WEB: Zone = {("_25._tcp.mx.dane.test", "TLSA"): secure("_25._tcp.mx.dane.test", "0", "1")}
SILENT: Zone = {("_25._tcp.mx.dane.test", "TLSA"): None}


@pytest.mark.parametrize(
    ("zone", "expected"),
    [
        pytest.param(MX | ADDRESS | TLSA, "OK dane", id="protected"),
        pytest.param(MX | SIX | TLSA, "OK dane", id="ipv6-only"),
        pytest.param(TWO | ADDRESS | TLSA, "OK dane", id="one-of-two"),
        pytest.param(MX | ALIAS, "OK dane", id="alias"),
        pytest.param(ITSELF, "OK dane", id="no-mx"),
        pytest.param({("dane.test", "MX"): PLAIN} | ADDRESS | TLSA, "NOTFOUND ", id="mx-not-signed"),
        pytest.param(MX | UNSIGNED_HOST | TLSA, "NOTFOUND ", id="host-not-signed"),
        pytest.param(MX | ADDRESS, "NOTFOUND ", id="no-tlsa"),
        pytest.param(MX | ADDRESS | WEB, "NOTFOUND ", id="usages-of-the-web"),
        pytest.param({("dane.test", "MX"): secure("dane.test", ".")}, "NOTFOUND ", id="null-mx"),
        pytest.param({("dane.test", "MX"): None}, "TEMP ", id="mx-fails"),
        pytest.param(MX | ADDRESS | SILENT, "TEMP ", id="tlsa-fails"),
    ],
)
def test_a_destination_is_left_to_dane_where_dnssec_vouches_for_it(zone: Zone, expected: str) -> None:
    assert asyncio.run(answered("dane.test", Recorded(zone))).startswith(expected)


@pytest.mark.parametrize(
    ("key", "expected"),
    [("Dane.Test", "OK dane"), ("dane.test:25", "OK dane"), (".dane.test", "NOTFOUND "),
     ("[mx.dane.test]:587", "NOTFOUND "), ("[192.0.2.1]", "NOTFOUND "), ("", "NOTFOUND ")],
)  # fmt: skip
def test_a_next_hop_is_read_as_postfix_writes_it(key: str, expected: str) -> None:
    assert asyncio.run(answered(key, Recorded(MX | ADDRESS | TLSA))) == expected


def test_requests_are_netstrings_and_what_is_none_ends_the_connection() -> None:
    async def talk() -> tuple[list[str | None], bytes]:
        lookup = Recorded(MX | ADDRESS | TLSA)
        server = await asyncio.start_server(lambda r, w: serve(r, w, lookup), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        writer.write(netstring("dane dane.test") + netstring("dane other.test"))
        answers = [await read_netstring(reader) for _ in range(2)]
        writer.write(b"GET / HTTP/1.1\r\n\r\n:")
        rest = await reader.read()
        writer.close()
        server.close()
        return answers, rest

    assert asyncio.run(talk()) == (["OK dane", "NOTFOUND "], b"")


def main_cf(blueprint_of: str, **changes: object) -> str:
    plan = cases.distributed(**changes) if blueprint_of != "mx1" else cases.plan(**changes)
    known = cases.distributed_facts() if blueprint_of != "mx1" else cases.facts()
    return compile_server(plan, blueprint_of, known).files()["/etc/postfix/main.cf"].content


def test_dane_is_asked_before_mta_sts_and_only_where_mail_leaves() -> None:
    expected = (
        "smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8460:dane,\n    socketmap:inet:127.0.0.1:8461:postfix\n"
    )
    assert expected in main_cf("mx1")
    assert expected in main_cf("out1")
    assert "smtp_tls_policy_maps" not in main_cf("in1")
    assert "smtp_tls_policy_maps" not in main_cf("mx1", network={"relay_host": "[smart.example.net]:587"})
    assert (
        "postfix-mta-sts-resolver"
        not in compile_server(cases.distributed(), "in1", cases.distributed_facts()).packages()
    )


def test_without_dnssec_only_mta_sts_is_asked() -> None:
    blueprint = compile_server(cases.plan(), "mx1", cases.behind_a_stripping_resolver())
    main = blueprint.files()["/etc/postfix/main.cf"].content
    assert "smtp_tls_policy_maps = socketmap:inet:127.0.0.1:8461:postfix\n" in main
    assert "smtp_tls_security_level = may\n" in main
    assert "mailwiz-dane-policy.service" not in {unit.name for unit in blueprint.units()}


def test_names_of_exchangers_are_matched_where_postfix_can() -> None:
    new, old = (
        compile_server(cases.plan(), "mx1", known).files()["/etc/mta-sts-daemon.yml"].content
        for known in (cases.facts(), cases.bookworm())
    )
    assert "tlsrpt: true" in new
    assert "tlsrpt" not in old
    for text in (new, old):
        assert "type: sqlite" in text, "policies outlive a restart"
