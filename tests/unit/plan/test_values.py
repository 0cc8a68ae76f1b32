"""Addresses, next hops, URL, report addresses, paths and buckets; and what holds for every kind of value."""

import string
from collections.abc import Callable

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mailwiz_tui.plan import dnsnames, hosts, mailnames, storage_names

Check = Callable[[str], object]

CHECKS: dict[str, Check] = {
    "domain": dnsnames.domain_name,
    "host name": dnsnames.host_name,
    "spf domain": dnsnames.spf_domain,
    "any host": dnsnames.any_host_name,
    "selector": dnsnames.dkim_selector,
    "server id": dnsnames.server_id,
    "address": hosts.ip_address,
    "host": hosts.host,
    "next hop": hosts.next_hop,
    "update key": hosts.update_key,
    "http": hosts.http_url,
    "https": hosts.https_url,
    "mail address": mailnames.mail_address,
    "report": mailnames.report_addresses,
    "path": storage_names.absolute_path,
    "export": storage_names.exported_path,
    "bucket": storage_names.bucket_name,
    "region": storage_names.region_name,
}
TEXT = st.text(max_size=80) | st.text(string.ascii_letters + string.digits + "[]:/@.-_%,!? \n\t\\\"'", max_size=80)


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@given(text=TEXT)
@example(text="[" * 50)
@example(text="http://[")
@example(text="http://[::1%]:x/")
@example(text="1.2.3.4:99999999999999999999")
@example(text="a@" + "ü" * 70 + ".de")
@example(text="\ud800.com")
@example(text="xn--\u0130.com")
def test_any_text_is_accepted_clean_or_refused_in_words(check: Check, text: str) -> None:
    refusal = ""
    try:
        kept = str(check(text))
    except ValueError as error:
        refusal = str(error)
        kept = ""
    assert bool(refusal) != bool(kept)
    assert refusal.isprintable()
    if not kept:
        return
    assert kept.isprintable()
    assert not any(c.isspace() for c in kept)
    assert str(check(kept)) == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("192.0.2.1", "192.0.2.1"), ("2001:0DB8:0::1", "2001:db8::1"), ("::ffff:192.0.2.1", "192.0.2.1")],
)
def test_ip_addresses(typed: str, kept: str) -> None:
    assert hosts.ip_address(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "192.0.2",
        "192.0.2.256",
        "192.0.2.01",
        "0.0.0.0",
        "::",
        "fe80::1%eth0",
        "10.0.0.0/8",
        "224.0.0.1",
        "mail",
    ],
)
def test_what_is_no_ip_address(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        hosts.ip_address(typed)


@pytest.mark.parametrize(
    ("typed", "kept", "parts"),
    [
        ("mail.example.org", "mail.example.org", ("mail.example.org", None, True)),
        ("mailhub", "mailhub", ("mailhub", None, True)),
        ("mail.example.org:587", "mail.example.org:587", ("mail.example.org", 587, True)),
        ("[mail.example.org]:587", "[mail.example.org]:587", ("mail.example.org", 587, False)),
        ("[192.0.2.5]", "[192.0.2.5]", ("192.0.2.5", None, False)),
        ("192.0.2.5", "[192.0.2.5]", ("192.0.2.5", None, False)),
        ("192.0.2.5:2525", "[192.0.2.5]:2525", ("192.0.2.5", 2525, False)),
        ("2001:db8::5", "[2001:db8::5]", ("2001:db8::5", None, False)),
        ("[2001:DB8::5]:25", "[2001:db8::5]:25", ("2001:db8::5", 25, False)),
        ("[IPv6:2001:db8::5]:25", "[2001:db8::5]:25", ("2001:db8::5", 25, False)),
    ],
)
def test_next_hops(typed: str, kept: str, parts: tuple[str, int | None, bool]) -> None:
    hop = hosts.parse_next_hop(typed)
    assert (str(hop), (hop.host, hop.port, hop.lookup_mx)) == (kept, parts)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "[a",
        "a]",
        "[a]b",
        "[a]:",
        "a:",
        "a:0",
        "a:65536",
        "a:25:26",
        "[]",
        "a b",
        "smtp:[a]",
        "a_b",
        "[a]:25\n",
        "1.2.3",
    ],
)
def test_what_is_no_next_hop(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        hosts.parse_next_hop(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("https://acme.example/dir", "https://acme.example/dir"),
        ("https://ACME.example:14000/Dir?x=1", "https://acme.example:14000/Dir?x=1"),
        ("https://[2001:db8::1]:9000", "https://[2001:db8::1]:9000"),
    ],
)
def test_urls(typed: str, kept: str) -> None:
    assert hosts.https_url(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "acme.example",
        "http://acme.example",
        "https://",
        "https:///x",
        "https://a:b@c.example",
        "https://a.example/#x",
        "https://a.example/ x",
        "https://a.example:0/",
        "https://a.example:x/",
        "ftp://a.example",
        "javascript:alert(1)",
        "https://a_b.example/",
        "https://a.example/$(id)",
    ],
)
def test_what_is_no_https_url(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        hosts.https_url(typed)


def test_a_password_in_a_url_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="secrets are asked for") as caught:
        hosts.https_url("https://user:hunter2@s3.example.com/")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("a@Example.com", "a@example.com"),
        ("First.Last+tag@example.com", "First.Last+tag@example.com"),
        ("o'hara@bücher.de", "o'hara@xn--bcher-kva.de"),
    ],
)
def test_mail_addresses(typed: str, kept: str) -> None:
    assert mailnames.mail_address(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "a",
        "@example.com",
        "a@",
        "a b@example.com",
        "a..b@example.com",
        ".a@example.com",
        "a@b@example.com",
        '"a b"@example.com',
        "ä@example.com",
        "a@example",
        "mailto:a@example.com",
        "a" * 65 + "@example.com",
        "a@[192.0.2.1]",
    ],
)
def test_what_is_no_mail_address(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        mailnames.mail_address(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("dmarc@example.com", "mailto:dmarc@example.com"),
        ("mailto:dmarc@example.com", "mailto:dmarc@example.com"),
        ("MAILTO:a@Example.com , b@example.net", "mailto:a@example.com,mailto:b@example.net"),
        ("a@example.com,a@example.com", "mailto:a@example.com"),
    ],
)
def test_report_addresses(typed: str, kept: str) -> None:
    assert mailnames.report_addresses(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        ",",
        "a@example.com,",
        "a@example.com!10m",
        "https://example.com/",
        "mailto:a@example.com?subject=x",
        "a%b@example.com",
        "a@example.com; p=none",
        "a@example.com b@example.com",
        "mailto:",
    ],
)
def test_what_is_no_report_address(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        mailnames.report_addresses(typed)


def test_domains_of_report_addresses() -> None:
    assert mailnames.report_domains("mailto:a@x.se,mailto:b@y.se,mailto:c@x.se") == ["x.se", "y.se"]
    assert mailnames.report_domains("") == []


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("/var/vmail", "/var/vmail"),
        ("/var//vmail/", "/var/vmail"),
        ("/srv/mail-1", "/srv/mail-1"),
        ("/data", "/data"),
        ("/var/mail/vhosts", "/var/mail/vhosts"),
        ("/etcetera/mail", "/etcetera/mail"),
    ],
)
def test_directories(typed: str, kept: str) -> None:
    assert storage_names.absolute_path(typed) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "vmail",
        "~/vmail",
        "/",
        "//",
        "/etc",
        "/etc/",
        "/etc/mail",
        "/var",
        "/home",
        "/var/spool/postfix",
        "/root/mail",
        "/var/spool/postfix/x",
        "/var/../etc",
        "/var/./vmail",
        "/var/v mail",
        "/var/vmail\n",
        "/var/$x",
        "/var/%d",
        "/var/'x",
        "/var/#x",
        "/tmp/x",
        "/run/x",
        "/var/lib/mysql",
        "/usr/local/mail",
        "/dev/null",
        "/" + "a" * 256,
    ],
)
def test_directories_that_are_refused(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        storage_names.absolute_path(typed)


def test_an_export_may_be_the_root() -> None:
    assert storage_names.exported_path("/") == "/"


@pytest.mark.parametrize("typed", ["abc", "a-b.c-1", "a" * 63])
def test_buckets(typed: str) -> None:
    assert storage_names.bucket_name(typed) == typed


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "ab",
        "a" * 64,
        "Abc",
        "a_b",
        "-ab",
        "ab-",
        "a..b",
        "a.-b",
        "192.0.2.1",
        "xn--abc",
        "abc-s3alias",
        "a b",
        "a/b",
    ],
)
def test_what_is_no_bucket(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        storage_names.bucket_name(typed)


@pytest.mark.parametrize("typed", ["certs/chain.pem", "/etc/ssl/x y.pem", "chain.pem"])
def test_files_beside_the_plan(typed: str) -> None:
    assert storage_names.local_file(typed) == typed


@pytest.mark.parametrize("typed", ["certs/", ".", "a\nb", "a\0b", " a", "-----BEGIN PRIVATE KEY-----"])
def test_what_is_no_file(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        storage_names.local_file(typed)


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("mail-acme", "mail-acme"),
        ("HMAC-SHA512:Mail.", "hmac-sha512:mail."),
        ("hmac-sha256:a_b.c", "hmac-sha256:a_b.c"),
    ],
)
def test_names_of_update_keys(typed: str, kept: str) -> None:
    assert hosts.update_key(typed) == kept


@pytest.mark.parametrize(
    "typed", ["", "hmac-md5:k", "hmac-sha256:", "a b", "mail:c2VjcmV0", "hmac-sha256:mail:c2VjcmV0=="]
)
def test_a_secret_is_no_name_of_an_update_key(typed: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        hosts.update_key(typed)
