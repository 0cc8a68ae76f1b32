"""Domains in their own script (RFC 5890): logins, and what mail programs are told to log in as."""

from __future__ import annotations

import re

import pytest

from mailwiz_tui.plan.localparts import is_local_part
from mailwiz_tui.stack.compile import compile_server

from . import cases

DOMAIN = "xn--bcher-kva.example"
IDN = {"primary_domain": "example.com", "hostname": "mail.example.com", "additional_domains": [{"name": DOMAIN}]}
WEB = {"tls": {"provider": "letsencrypt", "acme_email": "postmaster@example.com"}, "dkim": {"selector": "2026a"}}


def files(codename: str = "trixie") -> dict[str, str]:
    known = cases.facts(codename=codename, os_version={"trixie": "13", "bookworm": "12"}[codename])
    blueprint = compile_server(cases.plan(domain=IDN, security=WEB), "mx1", known)
    return {path: file.content for path, file in blueprint.files().items()}


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
def test_a_login_with_the_domain_as_typed_is_brought_to_the_mailboxs_name(codename: str) -> None:
    config = files(codename)["/etc/dovecot/dovecot.conf"]
    assert "username_filter = *@bücher.example *@bÜcher.example\n" in config
    assert f"@{DOMAIN}" in config
    assert config.index("noauthenticate") < config.index("MariaDB") or config.index(
        "noauthenticate"
    ) < config.index("= sql")
    (chars,) = re.findall(r'(?m)^auth_username_chars = "(.*)"$', config)
    assert set("anna@bücherÜ") <= set(chars)
    assert [c for c in map(chr, range(33, 127)) if c not in chars] == list('!"%()*,/:;<>?[\\]{}')


def test_every_character_of_a_local_part_may_be_in_a_login() -> None:
    plain = compile_server(cases.plan(), "mx1", cases.facts()).files()["/etc/dovecot/dovecot.conf"].content
    (chars,) = re.findall(r'(?m)^auth_username_chars = "(.*)"$', plain)
    for character in map(chr, range(33, 127)):
        assert not is_local_part(f"x{character}y") or character in chars, character
    assert chars.isascii()


def address_map() -> list[tuple[re.Pattern[str], str]]:
    """The map from a request to the login name, as nginx reads it: the first that matches counts."""
    (block,) = re.findall(
        r"(?s)map \$request_body \$mailwiz_address \{(.*?)\n\}", files()["/etc/nginx/conf.d/mailwiz.conf"]
    )
    found = []
    for line in block.splitlines():
        if entry := re.fullmatch(r'\s+"~\*(.*)" (\S+);', line):
            found.append((re.compile(entry[1].replace("(?<m", "(?P<m"), re.IGNORECASE), entry[2]))
    return found


def login(request: str) -> str:
    for pattern, value in address_map():
        if match := pattern.search(request):
            return re.sub(r"\$\{?(\w+)\}?", lambda name: match[name[1]], value)
    return ""


@pytest.mark.parametrize(
    ("request_xml", "name"),
    [
        ("<EMailAddress>anna.b+c@example.com</EMailAddress>", "anna.b+c@example.com"),
        ("<a:EMailAddress>anna@example.com</a:EMailAddress>", "anna@example.com"),
        ('<EMAILADDRESS xmlns="urn:x"> anna@example.com\n</EMAILADDRESS>', "anna@example.com"),
        ("<EMailAddress>j&amp;k@example.com</EMailAddress>", "j&amp;k@example.com"),
        ("<EMailAddress>o'hara@example.com</EMailAddress>", "o'hara@example.com"),
        (f"<EMailAddress>anna@{DOMAIN}</EMailAddress>", f"anna@{DOMAIN}"),
        ("<EMailAddress>anna@bücher.example</EMailAddress>", f"anna@{DOMAIN}"),
        ("<ns0:EMailAddress>o'hara@BÜCHER.Example</ns0:EMailAddress>", f"o'hara@{DOMAIN}"),
        ("<EMailAddress>anna@b&#252;cher.example</EMailAddress>", f"anna@{DOMAIN}"),
        ("<EMailAddress>anna@b&#xFC;cher.example</EMailAddress>", f"anna@{DOMAIN}"),
        ("<EMailAddress>anna@bücherXexample</EMailAddress>", ""),
        ("<EMailAddress><LoginName>anna@example.com</EMailAddress>", ""),
    ],
)
def test_autodiscover_answers_with_the_name_that_logs_in(request_xml: str, name: str) -> None:
    assert login(f'<?xml version="1.0"?><Autodiscover><Request>{request_xml}</Request></Autodiscover>') == name


def test_autoconfig_hands_out_the_domain_as_the_dns_has_it() -> None:
    found = files()
    international = found[f"/var/www/mailwiz/autoconfig/{DOMAIN}.xml"]
    assert international.count(f"<username>%EMAILLOCALPART%@{DOMAIN}</username>") == 4
    assert "<displayName>bücher.example</displayName>" in international
    assert "%EMAILADDRESS%" in found["/var/www/mailwiz/autoconfig/example.com.xml"]
