"""What counts as right, wrong and missing, standard by standard."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwiz_tui.dns.match import State, judge, merged_spf, normal
from tests.unit.dns.made_records import record

SPF = "v=spf1 mx a:out.example.com -all"
DKIM = "v=DKIM1; k=rsa; p=AAAABBBB"
DMARC = "v=DMARC1; p=reject; sp=reject; np=reject; rua=mailto:d@example.com"


@pytest.mark.parametrize(
    ("kind", "value", "live", "state"),
    [
        ("A", "192.0.2.1", [], State.MISSING),
        ("A", "192.0.2.1", ["192.0.2.1"], State.PUBLISHED),
        ("A", "192.0.2.1", ["192.0.2.2"], State.WRONG),
        ("A", "192.0.2.1", ["192.0.2.1", "192.0.2.2"], State.WRONG),
        ("AAAA", "2001:db8::1", ["2001:0db8:0::1"], State.PUBLISHED),
        ("MX", "10 mail.example.com.", ["10 MAIL.example.com."], State.PUBLISHED),
        ("MX", "10 mail.example.com.", ["20 mail.example.com."], State.WRONG),
        ("MX", "10 mail.example.com.", ["10 mail.example.com.", "20 backup.example.net."], State.PUBLISHED),
        ("MX", "10 mail.example.com.", ["10 mail.example.com.", "5 old.example.net."], State.WRONG),
        ("MX", "10 mail.example.com.", ["0 ."], State.WRONG),
        ("TXT", SPF, ["some-site-verification=1"], State.MISSING),
        ("TXT", SPF, [SPF, "some-site-verification=1"], State.PUBLISHED),
        ("TXT", SPF, [SPF, "v=spf1 include:x.example -all"], State.WRONG),
        ("TXT", SPF, ["v=spf1 -all"], State.WRONG),
        ("TXT", SPF, ["v=spf1 mx a:out.example.com ~all"], State.WRONG),
        ("TXT", SPF, ["V=SPF1  a:out.example.com mx include:news.example -all"], State.PUBLISHED),
        ("TXT", SPF, ["v=spf1 -mx a:out.example.com -all"], State.WRONG),
        ("TXT", "v=spf1 mx -all", ["v=spf10 mx -all"], State.MISSING),
        ("TXT", DKIM, ["v=DKIM1;k=rsa;p=AAAA BBBB"], State.PUBLISHED),
        ("TXT", DKIM, ["p=AAAABBBB"], State.PUBLISHED),
        ("TXT", DKIM, ["v=DKIM1; k=rsa; p=AAAABBBC"], State.WRONG),
        ("TXT", DKIM, ["v=DKIM1; p="], State.WRONG),
        ("TXT", DMARC, [DMARC.replace("; ", ";")], State.PUBLISHED),
        ("TXT", DMARC, [DMARC.replace("p=reject", "p=none")], State.WRONG),
        ("TXT", DMARC, [DMARC, DMARC], State.WRONG),
        ("TXT", "v=STSv1; id=2", ["v=STSv1; id=1"], State.WRONG),
        ("TXT", "v=TLSRPTv1; rua=mailto:a@b.example", ["v=TLSRPTv1;rua=mailto:a@b.example"], State.PUBLISHED),
        ("TLSA", "3 1 1 abcd", ["3 1 1 ABCD"], State.PUBLISHED),
        ("TLSA", "3 1 1 abcd", ["3 1 1 ABCD", "3 1 1 ef01"], State.PUBLISHED),
        ("TLSA", "3 1 1 abcd", ["3 1 1 ef01"], State.WRONG),
        ("CAA", '0 issue "letsencrypt.org"', ['0 issue "letsencrypt.org"'], State.PUBLISHED),
        ("CAA", '0 issue ";"', ['0 issue ";"', '0 issue "ca.example"'], State.WRONG),
        ("SRV", "0 1 993 mail.example.com.", ["0 1 993 mail.example.com."], State.PUBLISHED),
        ("SRV", "0 0 0 .", ["0 0 0 ."], State.PUBLISHED),
        ("SRV", "0 0 0 .", ["0 1 110 mail.example.com."], State.WRONG),
        ("PTR", "mail.example.com.", ["static-1.provider.example."], State.WRONG),
        ("PTR", "mail.example.com.", ["mail.example.com.", "other.example.com."], State.WRONG),
    ],
)
def test_states(kind: str, value: str, live: list[str], state: State) -> None:
    verdict = judge(record(kind, value), [value], live)
    assert verdict.state is state, verdict
    if state is State.WRONG:
        assert verdict.detail


def test_planned_neighbours_are_no_strangers() -> None:
    both = ["10 in1.example.com.", "10 in2.example.com."]
    assert judge(record("MX", both[0]), both, both).state is State.PUBLISHED
    assert judge(record("MX", both[1]), both, both[:1]).state is State.WRONG


def test_pending_is_unknown_with_its_reason() -> None:
    verdict = judge(record("TXT", "", pending="key not known yet"), [""], [])
    assert (verdict.state, verdict.detail) == (State.UNKNOWN, "key not known yet")


def test_merged_spf_keeps_what_was_there() -> None:
    assert (
        merged_spf("v=spf1 mx -all", "v=spf1 include:news.example ip4:192.0.2.9 ~all")
        == "v=spf1 mx include:news.example ip4:192.0.2.9 -all"
    )
    verdict = judge(record("TXT", SPF), [SPF], ["v=spf1 mx include:news.example ~all"])
    assert verdict.instead == "v=spf1 a:out.example.com mx include:news.example -all"


mechanisms = st.lists(
    st.sampled_from(["mx", "a", "ip4:192.0.2.1", "include:a.example", "a:b.example"]), unique=True
)


@given(mechanisms, mechanisms, st.sampled_from(["-all", "~all", "?all"]))
def test_what_is_advised_is_right_once_published(planned: list[str], live: list[str], ending: str) -> None:
    text = " ".join(["v=spf1", *planned, "-all"])
    merged = merged_spf(text, " ".join(["v=spf1", *live, ending]))
    assert judge(record("TXT", text), [text], [merged]).state is State.PUBLISHED


@given(st.sampled_from(["A", "MX", "TLSA", "CAA", "SRV", "PTR", "CNAME"]), st.text(max_size=60))
def test_strange_values_never_raise(kind: str, value: str) -> None:
    normal(kind, value)
    judge(record("TXT", SPF), [SPF], [value])
