"""The parser of From: what is one address to every reader is read, everything else is refused."""

from __future__ import annotations

import email
import email.policy

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailwiz_tui.stack.message_checks.from_header import MOST_ADDRESSES, FromSyntaxError, Mailbox, parse_from

READ = {
    "alice@example.com": ["alice@example.com"],
    "<alice@example.com>": ["alice@example.com"],
    "Alice <Alice@EXAMPLE.com>": ["Alice@example.com"],
    "Alice B. Smith <alice@example.com>": ["alice@example.com"],
    '"Smith, Alice" <alice@example.com>': ["alice@example.com"],
    '"Alice \\"A\\" <x@y.test>" <alice@example.com>': ["alice@example.com"],
    '"boss@example.com" <alice@example.com>': ["alice@example.com"],
    "=?utf-8?q?J=C3=BCrgen?= <alice@example.com>": ["alice@example.com"],
    "=?utf-8?b?SsO8cmdlbg==?=\n =?utf-8?q?_M?= <alice@example.com>": ["alice@example.com"],
    "Jürgen <alice@example.com>": ["alice@example.com"],
    "J\udcfcrgen <alice@example.com>": ["alice@example.com"],
    "alice@example.com (Alice (at home))": ["alice@example.com"],
    "(Cron Daemon) root@web1.example.com": ["root@web1.example.com"],
    "alice@example.com\t": ["alice@example.com"],
    "Alice\r\n <alice@example.com>": ["alice@example.com"],
    "[list] Alice <alice@example.com>": ["alice@example.com"],
    "alice@example.com, bob@example.com": ["alice@example.com", "bob@example.com"],
    'A <a@example.com> , "B, b" <b@example.org>': ["a@example.com", "b@example.org"],
    '"alice"@example.com': ["alice@example.com"],
    '"o..hara"@example.com': ['"o..hara"@example.com'],
    "o'hara/x=y!z#t+u@example.com": ["o'hara/x=y!z#t+u@example.com"],
    "a@[192.0.2.1]": ["a@[192.0.2.1]"],
    "a@xn--bcher-kva.example": ["a@xn--bcher-kva.example"],
    "alice@example.com <alice@example.com>": ["alice@example.com"],
    "root@localhost": ["root@localhost"],
}
REFUSED = {
    "": "missing",
    "   ": "missing",
    "<>": "empty",
    "Alice <>": "empty",
    "Alice": "without an address",
    "=?utf-8?b?Ym9zc0BleGFtcGxlLmNvbQ==?=": "without an address",
    "alice @ example.com": "white space",
    "alice @example.com": "white space",
    "alice@ example.com": "white space",
    "alice(x)@example.com": "white space",
    "alice@(x)example.com": "comment",
    "alice . b@example.com": "white space",
    "alice@example . com": "follows an address",
    "< alice@example.com>": "angle brackets",
    "<alice@example.com >": "angle brackets",
    "boss: alice@example.com;": "group",
    "undisclosed-recipients:;": "group",
    "alice@example.com;": "follows",
    "<@relay.test:alice@example.com>": "route",
    "alice@example.com,": "missing",
    ",alice@example.com": "missing",
    "alice@example.com bob@example.com": "follows",
    "bob@example.com <alice@example.com>": "another address",
    "<alice@example.com> <bob@example.com>": "follows",
    "alice@example.com (<boss@example.com>)": "comment holds an address",
    "(boss@example.com) alice@evil.test": "comment holds an address",
    "alice@evil.test(": "not closed",
    '"alice <alice@example.com>': "not closed",
    "<alice@example.com": "angle brackets",
    "alice@example.com>": "follows",
    "alice@evil.test@example.com": "follows",
    '"boss@example.com"@evil.test': "quoted",
    '"a b"@example.com': "quoted",
    '"a" "b"@example.com': "white space",
    'x"alice"@example.com': "white space",
    ".alice@example.com": "local part",
    "al..ice@example.com": "local part",
    "=?utf-8?q?boss?=@example.com": "encoded word",
    "ålice@example.com": "local part",
    "alice@exämple.com": "domain",
    "alice@example.com.": "domain",
    "alice@.example.com": "domain",
    "alice@example..com": "domain",
    "alice@-example.com": "domain",
    "alice@exa!mple.com": "domain",
    "alice@[192.0.2.1": "domain",
    "alice@": "nothing follows",
    "@example.com": "where an address should",
    "alice\x00@example.com": "control",
    "alice@example.com\rbob@example.com": "control",
    "alice@example.com\nbob@example.com": "control",
    "a" * 17000: "longer",
    ",".join(["a@example.com"] * (MOST_ADDRESSES + 1)): "more than",
}


@pytest.mark.parametrize("body", READ)
def test_what_every_reader_understands_is_read(body: str) -> None:
    assert [mailbox.address for mailbox in parse_from(body)] == READ[body]


@pytest.mark.parametrize("body", REFUSED)
def test_everything_else_is_refused_with_the_reason(body: str) -> None:
    with pytest.raises(FromSyntaxError, match=REFUSED[body]):
        parse_from(body)


def test_a_literal_is_told_from_a_domain() -> None:
    assert Mailbox("a", "[192.0.2.1]").literal
    assert not Mailbox("a", "example.com").literal


@given(st.text(max_size=80))
@example("a@b.c")
def test_no_text_breaks_the_parser_and_what_it_reads_is_written_there(text: str) -> None:
    try:
        read = parse_from(text)
    except FromSyntaxError:
        return
    assert read
    plain = text.lower().replace("\\", "")
    for mailbox in read:
        assert mailbox.address.isascii()
        assert mailbox.local.strip('"').lower() in plain
        assert mailbox.domain in plain


PIECES = st.sampled_from(
    ["alice", "boss", "@", "example.com", "evil.test", "<", ">", ",", ";", ":", "(", ")", '"', "\\", " ", ".",
     "\n ", "[", "]", "=?utf-8?q?x?=", "ü"]
)  # fmt: skip


@given(st.lists(PIECES, max_size=14))
def test_a_lenient_parser_finds_no_other_address_than_ours(pieces: list[str]) -> None:
    """What is read here is read alike by Python's own parser, which follows the obsolete grammar as well."""
    text = "".join(pieces)
    try:
        read = parse_from(text)
    except FromSyntaxError:
        return
    if "@" in text.partition("<")[0] and "<" in text:
        return  # an address as its own display name: Python's parser stops at it
    message = email.message_from_string(f"From: {text}\n\n", policy=email.policy.default)
    theirs = [address.addr_spec.lower() for address in message["From"].addresses]
    assert [mailbox.address.lower() for mailbox in read] == theirs


@given(
    st.lists(
        st.sampled_from(["a@example.com", "<b@x.test>", 'C "d" <e@x.test>', "(f) g@x.test (h)"]),
        min_size=1,
        max_size=9,
    )
)
def test_lists_are_read_in_their_order(written: list[str]) -> None:
    read = parse_from(", ".join(written))
    assert [mailbox.address for mailbox in read] == [parse_from(one)[0].address for one in written]
