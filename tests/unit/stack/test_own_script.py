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


def files() -> dict[str, str]:
    blueprint = compile_server(cases.plan(domain=IDN, security=WEB), "mx1", cases.facts())
    return {path: file.content for path, file in blueprint.files().items()}


@pytest.mark.parametrize("codename", ["trixie", "bookworm"])
@pytest.mark.parametrize("server_id", ["mx1", "out1"])
def test_a_login_with_any_domain_as_typed_is_brought_to_the_mailboxs_name(codename: str, server_id: str) -> None:
    """By rule, wherever clients log in, so that it holds for a domain that only the accounts have."""
    release = {"codename": codename, "os_version": {"trixie": "13", "bookworm": "12"}[codename]}
    one = server_id == "mx1"
    plan, known = (
        (cases.plan(), cases.facts(**release)) if one else (cases.distributed(), cases.distributed_facts(**release))
    )
    blueprint = compile_server(plan, server_id, known)
    found = {path: file.content for path, file in blueprint.files().items()}
    config = found["/etc/dovecot/dovecot.conf"]
    order = re.findall(r"(?m)^(?:passdb ([\w-]+)|  driver = ([\w-]+))", config)
    assert "".join(order[0]) == "lua", order
    assert "/etc/dovecot/own-script.lua" in config
    assert "xn--" not in config
    assert "noauthenticate" in found["/etc/dovecot/own-script.lua"]
    assert "dovecot-auth-lua" in blueprint.packages()


def test_capital_letters_become_small_as_unicode_says() -> None:
    ranges = re.findall(r"\{ 0x(\w+), 0x(\w+), (\d), (-?\d+) \}", files()["/etc/dovecot/own-script.lua"])
    told = {
        letter: chr(letter + int(distance))
        for first, last, step, distance in ranges
        for letter in range(int(first, 16), int(last, 16) + 1, int(step))
    }
    alphabets = (
        range(0xC0, 0x180),
        range(0x386, 0x3AC),
        range(0x400, 0x530),
        range(0x531, 0x557),
        range(0x1E00, 0x1F00),
    )
    assert told == {
        letter: chr(letter).lower()
        for letters in alphabets
        for letter in letters
        if chr(letter).lower() != chr(letter) and len(chr(letter).lower()) == 1
    }


def test_every_letter_of_a_domain_and_every_character_of_a_local_part_may_be_in_a_login() -> None:
    (chars,) = re.findall(r'(?m)^auth_username_chars = "(.*)"$', files()["/etc/dovecot/dovecot.conf"])
    allowed = set(chars.encode())
    for letter in map(chr, range(0x80, 0x20000)):
        assert not letter.isalpha() or set(letter.encode()) <= allowed, hex(ord(letter))
    for character in map(chr, range(33, 127)):
        assert not is_local_part(f"x{character}y") or ord(character) in allowed, character
    assert [c for c in map(chr, range(33, 127)) if c not in chars] == list('!"%()*,/:;<>?[\\]{}')
    assert not allowed & {*range(33), 127}


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
