"""Addresses in autoconfig and autodiscover: domains in their own script, login names in the DNS form."""

from __future__ import annotations

from collections.abc import Iterable

from mailwiz_tui.plan.dnsnames import display_name


def login_template(domain: str) -> str:
    """The login name in autoconfig's form; with an international domain always in the DNS form."""
    return "%EMAILADDRESS%" if display_name(domain) == domain else f"%EMAILLOCALPART%@{domain}"


def own_script_addresses(domains: Iterable[str]) -> list[str]:
    """Entries of nginx's map from an autodiscover request to the login name, for international domains.

    A character may be in either case, or a number (XML 1.0 section 4.1).
    """
    return [_entry(number, domain) for number, domain in enumerate(domains) if display_name(domain) != domain]


def _entry(number: int, domain: str) -> str:
    local = f"mailwiz_local{number}"
    name = "".join(_either(character) for character in display_name(domain))
    return (
        r'    "~*<(?:[a-z0-9_.-]+:)?EMailAddress(?:\s[^<>]*)?>\s*'
        rf"(?<{local}>(?:[a-z0-9.!#$%'*+/=?^_`{{|}}~-]|&amp;|&apos;|&#39;){{1,64}})@{name}\s*</"
        f'" ${{{local}}}@{domain};'
    )


def _either(character: str) -> str:
    if character.isascii():
        return rf"\{character}" if character in ".-" else character
    forms = dict.fromkeys((character, *(c for c in (character.upper(),) if len(c) == 1)))
    numbers = (f"&#{ord(form)};|&#x{ord(form):x};" for form in forms)
    return f"(?:{'|'.join((*forms, *numbers))})"
