"""What is sent to a name server, and that nothing of others is ever taken away."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.tsigkeyring
import dns.update
import pytest
import pytest_asyncio
from pydantic import SecretStr

from mailwiz_tui.dns.changes import Change, changes
from mailwiz_tui.dns.live import RecordState
from mailwiz_tui.dns.match import State, judge
from mailwiz_tui.dns.publish import UpdateKey, UpdateKeyError, parse_key, publish
from mailwiz_tui.dns.record import HOUR, Record
from tests.unit.dns.made_records import record
from tests.unit.dns.name_server import NameServer

SECRET = "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
KEY = UpdateKey("mailwiz", SecretStr(SECRET))


def state(made: Record, *got: str) -> RecordState:
    verdict = judge(made, [made.value], got)
    return RecordState(made, verdict.state, got, verdict.detail, verdict.instead)


def only(*states: RecordState, replace_mx: bool = False) -> list[Change]:
    found, left = changes(states, replace_mx=replace_mx)
    assert left == []
    return found


def test_nothing_to_do_is_no_change() -> None:
    assert only(state(record("A", "192.0.2.1"), "192.0.2.1")) == []


def test_missing_is_added_and_foreign_text_stays() -> None:
    spf = record("TXT", "v=spf1 mx -all")
    assert only(state(spf, "ms=1")) == [Change("example.com", "TXT", HOUR, (), ("v=spf1 mx -all",))]


def test_former_spf_is_merged_and_others_stay() -> None:
    spf = record("TXT", "v=spf1 mx -all")
    former = "v=spf1 include:news.example ~all"
    assert only(state(spf, "ms=1", former)) == [
        Change("example.com", "TXT", HOUR, (former,), ("v=spf1 mx include:news.example -all",))
    ]


def test_former_address_is_replaced_and_former_tlsa_stays() -> None:
    assert only(state(record("A", "192.0.2.1"), "192.0.2.9"))[0].remove == ("192.0.2.9",)
    tlsa = only(state(record("TLSA", "3 1 1 ab"), "3 1 1 cd"))[0]
    assert (tlsa.remove, tlsa.add) == ((), ("3 1 1 ab",))


def test_other_mail_servers_are_taken_away_only_when_told() -> None:
    mx = state(record("MX", "10 mail.example.com."), "5 old.example.net.")
    found, left = changes([mx])
    assert found == []
    assert "old.example.net" in left[0].reason
    assert only(mx, replace_mx=True) == [
        Change("example.com", "MX", HOUR, ("5 old.example.net.",), ("10 mail.example.com.",))
    ]


def test_what_is_not_known_is_left() -> None:
    pending = RecordState(record("TXT", "", pending="key not known yet"), State.UNKNOWN)
    silent = RecordState(record("A", "192.0.2.1"), State.UNKNOWN, detail="no server answered")
    found, left = changes([pending, silent])
    assert found == []
    assert [entry.reason for entry in left] == ["key not known yet", "no server answered"]


@pytest.mark.parametrize(
    "text",
    [
        f"mailwiz:{SECRET}",
        f"hmac-sha256:mailwiz:{SECRET}\n",
        f'key "mailwiz" {{\n\talgorithm hmac-sha256;\n\tsecret "{SECRET}";\n}};\n',
        f"key mailwiz {{ secret {SECRET}; algorithm hmac-sha256; }};",
    ],
)
def test_keys_are_read(text: str) -> None:
    assert parse_key(text) == KEY
    assert SECRET not in repr(parse_key(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        SECRET,
        "mailwiz:not base64!",
        f"md5:mailwiz:{SECRET}",
        "a:b:c:d",
        f'key "k" {{ algorithm md5; secret "{SECRET}"; }};',
    ],
)
def test_bad_keys_are_said_without_the_secret(text: str) -> None:
    with pytest.raises(UpdateKeyError) as caught:
        parse_key(text)
    assert SECRET not in str(caught.value)
    assert caught.value.where == "TSIG key"
    assert caught.value.advice


class Primary:
    """A primary server: questions over UDP by ``NameServer``, signed updates over TCP on the same port."""

    def __init__(self, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> None:
        self.rcode = rcode
        self.updates: list[dns.update.UpdateMessage] = []
        self.port = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = int.from_bytes(await reader.readexactly(2), "big")
        keyring = dns.tsigkeyring.from_text({"mailwiz": SECRET})
        try:
            query = dns.message.from_wire(await reader.readexactly(size), keyring=keyring)
        except dns.message.UnknownTSIGKey:
            writer.close()
            return
        assert isinstance(query, dns.update.UpdateMessage)
        self.updates.append(query)
        reply = dns.message.make_response(query)
        reply.set_rcode(self.rcode)
        wire = reply.to_wire()
        writer.write(len(wire).to_bytes(2, "big") + wire)
        await writer.drain()
        writer.close()


ZONE = """@ 5 IN SOA ns.test. root.test. 1 2 3 4 5
@ 5 IN NS ns.test.
@ 5 IN TXT "v=spf1 include:ne" "ws.example ~all"
@ 5 IN TXT "ms=1"
www 5 IN CNAME old.example.net.
"""


@pytest_asyncio.fixture
async def primary() -> AsyncIterator[Primary]:
    made = Primary()
    tcp = await asyncio.start_server(made.handle, "127.0.0.1", 0)
    made.port = tcp.sockets[0].getsockname()[1]
    udp, _ = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: NameServer({"example.com": ZONE}), local_addr=("127.0.0.1", made.port)
    )
    yield made
    udp.close()
    tcp.close()


CHANGE = Change(
    "example.com", "TXT", HOUR, ("v=spf1 include:news.example ~all",), ("v=spf1 mx include:news.example -all",)
)


async def test_an_update_takes_away_what_is_there_byte_for_byte(primary: Primary) -> None:
    (sent,) = await publish([CHANGE], f"127.0.0.1:{primary.port}", KEY)
    assert (sent.zone, sent.problem) == ("example.com.", "")
    (update,) = primary.updates
    deleted = [r for rrset in update.update if rrset.deleting is not None for r in rrset]
    added = [r for rrset in update.update if rrset.deleting is None for r in rrset]
    assert [r.strings for r in deleted] == [(b"v=spf1 include:ne", b"ws.example ~all")]
    assert [r.strings for r in added] == [(b"v=spf1 mx include:news.example -all",)]


async def test_an_alias_is_replaced_by_adding_the_new_one(primary: Primary) -> None:
    """Knot loses an alias that is deleted and added in the same update."""
    alias = Change("www.example.com", "CNAME", HOUR, ("old.example.net.",), ("mail.example.com.",))
    (sent,) = await publish([alias], f"127.0.0.1:{primary.port}", KEY)
    assert sent.problem == ""
    (update,) = primary.updates
    assert [(rrset.deleting, str(rrset[0])) for rrset in update.update] == [(None, "mail.example.com.")]


async def test_refusals_are_told(primary: Primary) -> None:
    primary.rcode = dns.rcode.REFUSED
    (sent,) = await publish([CHANGE], f"127.0.0.1:{primary.port}", KEY)
    assert sent.problem == "REFUSED: the server does not allow this key to change the zone"
    foreign = Change("example.net", "A", HOUR, (), ("192.0.2.1",))
    (sent,) = await publish([foreign], f"127.0.0.1:{primary.port}", KEY)
    assert "serves no zone" in sent.problem
    stranger = UpdateKey("other", SecretStr(SECRET))
    (sent,) = await publish([CHANGE], f"127.0.0.1:{primary.port}", stranger)
    assert "no answer" in sent.problem
    assert SECRET not in sent.problem
