"""Domains, host names, selectors and server ids."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailwiz_tui.plan import dnsnames

LABEL = st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?", fullmatch=True).filter(lambda s: s[2:4] != "--")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("example.com", "example.com"),
        ("Example.COM", "example.com"),
        ("example.com.", "example.com"),
        ("a.b.c.d.example.co.uk", "a.b.c.d.example.co.uk"),
        ("bücher.de", "xn--bcher-kva.de"),
        ("BÜCHER.de", "xn--bcher-kva.de"),
        ("bu\u0308cher.de", "xn--bcher-kva.de"),
        ("faß.de", "xn--fa-hia.de"),
        ("xn--bcher-kva.de", "xn--bcher-kva.de"),
        ("例え.テスト", "xn--r8jz45g.xn--zckzah"),
        ("例え。テスト", "xn--r8jz45g.xn--zckzah"),
        ("r3---sn.example.com", "r3---sn.example.com"),
        ("1.example.com", "1.example.com"),
        (f"{'a' * 63}.com", f"{'a' * 63}.com"),
    ],
)
def test_domains_are_kept_as_lower_case_a_labels(typed: str, kept: str) -> None:
    assert dnsnames.domain_name(typed) == kept


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("", "is needed"),
        ("com", "one part only"),
        (".example.com", "begins with a dot"),
        ("example..com", "two dots"),
        ("example.com..", "two dots"),
        (".", "dot"),
        ("exa_mple.com", "underscore"),
        ("*.example.com", "wildcard"),
        ("-example.com", "hyphen"),
        ("example-.com", "hyphen"),
        ("exam ple.com", "space"),
        ("example.com\n", "beginning or end"),
        ("\u00a0example.com", "beginning or end"),
        ("example\u200b.com", "zero width space"),
        ("exa\u00admple.com", "soft hyphen"),
        ("exa\u202emple.com", "right-to-left override"),
        ("exa\x1bmple.com", "cannot be seen"),
        ("example.com;rm", ";"),
        ("example.com:25", ":"),
        ("192.0.2.1", "IP address"),
        ("2001:db8::1", "IP address"),
        ("[192.0.2.1]", "IP address"),
        ("example.123", "ends in a number"),
        ("http://example.com", "web address"),
        ("me@example.com", "mail address"),
        ("xn--zzzzzz--.com", "xn--"),
        ("\U0001f4e7.com", "IDNA"),
        ("a" * 64 + ".com", "64 characters"),
        (".".join(["a" * 60] * 5), "304 characters"),
        ("a" * 100_000, "100000 characters"),
        ("ü" * 60 + ".de", "not a domain"),
    ],
)
def test_what_is_no_domain_is_refused_in_words(typed: str, words: str) -> None:
    with pytest.raises(ValueError, match=r"\w") as caught:
        dnsnames.domain_name(typed)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 300


def test_a_host_name_must_be_fully_qualified() -> None:
    assert dnsnames.host_name("Mail.Example.com.") == "mail.example.com"
    with pytest.raises(ValueError, match="not fully qualified"):
        dnsnames.host_name("mail")
    with pytest.raises(ValueError, match="not fully qualified"):
        dnsnames.host_name("localhost")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("_spf.google.com", "_spf.google.com"),
        ("include:spf.example.net", "spf.example.net"),
        ("_a._b.Example.net.", "_a._b.example.net"),
    ],
)
def test_included_spf_records_may_have_underscores(typed: str, kept: str) -> None:
    assert dnsnames.spf_domain(typed) == kept


@pytest.mark.parametrize(
    "typed", ["_spf", "google._com", "%{i}._spf.example.com", "a_b.example.com", "_.example.com", ""]
)
def test_what_is_no_spf_domain_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        dnsnames.spf_domain(typed)


@pytest.mark.parametrize(("typed", "kept"), [("2026a", "2026a"), ("Mail", "mail"), ("a.b-c", "a.b-c")])
def test_selectors(typed: str, kept: str) -> None:
    assert dnsnames.dkim_selector(typed) == kept


@pytest.mark.parametrize(
    "typed", ["", "a b", "a..b", "-a", "a-", "a_b", "ä", "x._domainkey", "a;b", "a" * 64, "a." * 130]
)
def test_what_is_no_selector_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"selector|two dots"):
        dnsnames.dkim_selector(typed)


@pytest.mark.parametrize("typed", ["mx1", "MX_1", "mx1.example.com", "a", "1"])
def test_server_ids(typed: str) -> None:
    assert dnsnames.server_id(typed) == typed


@pytest.mark.parametrize("typed", ["", "-a", "a-", "a b", "a/b", "../a", "a\n", "*", "a" * 64, "ä"])
def test_what_is_no_server_id_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="server id"):
        dnsnames.server_id(typed)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("xn--bcher-kva.de", "bücher.de"), ("example.com", "example.com"), ("xn--.de", "xn--.de"), ("", "")],
)
def test_names_are_shown_as_people_write_them(name: str, shown: str) -> None:
    assert dnsnames.display_name(name) == shown


def test_under() -> None:
    assert dnsnames.is_under("mail.example.com", "example.com")
    assert dnsnames.is_under("example.com", "example.com")
    assert not dnsnames.is_under("badexample.com", "example.com")


@given(st.lists(LABEL, min_size=1, max_size=5), st.from_regex(r"[a-z]{2,10}", fullmatch=True))
def test_ordinary_names_are_kept_as_they_are(labels: list[str], ending: str) -> None:
    name = ".".join([*labels, ending])
    assert dnsnames.domain_name(name) == name
    assert dnsnames.domain_name(name.upper() + ".") == name


@given(st.text(st.characters(categories=["Ll", "Lo", "Nd"]), min_size=1, max_size=12))
def test_a_kept_name_is_kept_again_and_can_be_shown(label: str) -> None:
    try:
        name = dnsnames.domain_name(f"{label}.example")
    except ValueError:
        return
    assert dnsnames.domain_name(name) == name
    assert dnsnames.domain_name(dnsnames.display_name(name)) == name
