"""Authentication-Results beside SpamAssassin: one field that tells SPF, DKIM and DMARC (RFC 8601)."""

from __future__ import annotations

import dataclasses

import pytest

from mailwiz_tui.stack.spamassassin.authentication_results import Message, evaluated, split, value

MESSAGE = Message(
    server="mail.example.com",
    queue_id="4ABC",
    helo="mx.sender.test",
    sender="alice@sender.test",
    authors=("Alice <alice@sender.test>",),
)
OPENDKIM = (
    "mail.example.com/4ABC;\n\tdkim=pass (2048-bit key; unprotected) header.d=sender.test"
    ' header.i="a;b"@sender.test header.b=Ab1;\n\tdkim=fail reason="a;b" header.d=list.test header.b=Cd2'
)


def said(message: Message = MESSAGE, *symbols: str) -> list[str]:
    return split(value(message, symbols))


def test_one_field_names_all_three() -> None:
    told = dataclasses.replace(MESSAGE, results=(OPENDKIM,))
    assert said(told, "SPF_PASS", "SPF_HELO_NONE", "DKIM_VALID", "DMARC_PASS") == [
        "mail.example.com",
        'dkim=pass (2048-bit key; unprotected) header.d=sender.test header.i="a;b"@sender.test header.b=Ab1',
        'dkim=fail reason="a;b" header.d=list.test header.b=Cd2',
        "spf=pass smtp.mailfrom=alice@sender.test",
        "dmarc=pass header.from=sender.test",
    ]


@pytest.mark.parametrize(
    "forged",
    [
        "mail.example.com; dkim=pass header.d=bank.test",
        "mail.example.com/; dkim=pass header.d=bank.test",
        "mail.example.com/4ABD; dkim=pass header.d=bank.test",
        "(mail.example.com/4ABC; dkim=pass) x; dkim=pass header.d=bank.test",
    ],
)
def test_a_field_without_the_queue_id_is_not_believed(forged: str) -> None:
    told = dataclasses.replace(MESSAGE, results=(forged,))
    assert said(told, "DKIM_SIGNED", "DKIM_INVALID")[1] == "dkim=fail"
    assert said(told)[1] == "dkim=none"


@pytest.mark.parametrize(
    ("symbols", "sender", "helo", "expected"),
    [
        (["SPF_FAIL"], "a@b.test", "x.test", "spf=fail smtp.mailfrom=a@b.test"),
        (["SPF_SOFTFAIL"], "a@b.test", "x.test", "spf=softfail smtp.mailfrom=a@b.test"),
        (["T_SPF_TEMPERROR"], "a@b.test", "x.test", "spf=temperror smtp.mailfrom=a@b.test"),
        (["T_SPF_PERMERROR"], "a@b.test", "x.test", "spf=permerror smtp.mailfrom=a@b.test"),
        (["SPF_HELO_PASS"], "a@b.test", "x.test", "spf=temperror smtp.mailfrom=a@b.test"),
        (["SPF_HELO_PASS"], "", "x.test", "spf=pass smtp.helo=x.test"),
        (["T_SPF_HELO_TEMPERROR"], "", "x.test", "spf=temperror smtp.helo=x.test"),
        ([], "", "[192.0.2.1]", 'spf=none smtp.helo="[192.0.2.1]"'),
        ([], "", 'a" ; spf=pass', 'spf=none smtp.helo="a ; spf=pass"'),
        (["SPF_PASS"], '"a; b"@b.test', "x.test", "spf=pass smtp.mailfrom=b.test"),
    ],
)
def test_spf_is_of_the_envelope_sender_else_of_the_greeting(
    symbols: list[str], sender: str, helo: str, expected: str
) -> None:
    told = dataclasses.replace(MESSAGE, sender=sender, helo=helo)
    assert said(told, *symbols)[2] == expected
    assert len(said(told, *symbols)) == 4


@pytest.mark.parametrize(
    ("symbols", "author", "expected"),
    [
        (["DMARC_REJECT"], "x@bank.test", "dmarc=fail header.from=bank.test policy.dmarc=reject"),
        (["DMARC_QUAR"], "x@bank.test", "dmarc=fail header.from=bank.test policy.dmarc=quarantine"),
        (["DMARC_NONE"], "x@bank.test", "dmarc=fail header.from=bank.test policy.dmarc=none"),
        (["DMARC_MISSING"], "X <x@Bank.test>", "dmarc=none header.from=bank.test"),
        ([], "nobody", "dmarc=none"),
        (["DMARC_PASS"], "x@evil.test; dmarc=pass header.from=bank.test", "dmarc=pass header.from=evil.test"),
    ],
)
def test_dmarc_is_of_the_author_with_the_policy_that_applies(
    symbols: list[str], author: str, expected: str
) -> None:
    assert said(dataclasses.replace(MESSAGE, authors=(author,)), *symbols)[3:] == [expected]


def test_nothing_is_told_of_our_own_servers_mail() -> None:
    assert not evaluated(["ALL_TRUSTED", "HTML_MESSAGE"])
    assert evaluated(["SPF_PASS"])
