"""Names of the DNS: domains, host names, DKIM selectors, server ids.

Domains are kept as lower-case A-labels (``xn--bcher-kva.example``), the form that DNS, Postfix and
certificates need; ``display_name`` returns the form that a person writes. Every function returns the
normalised name or raises ``ValueError`` with a sentence for the operator.

RFC 1035 section 2.3.4 (lengths), RFC 1123 section 2.1 (letters, digits, hyphens), RFC 5890-5893 and UTS 46
(internationalised names), RFC 6376 section 3.1 (selectors).
"""

from __future__ import annotations

import ipaddress
import re
import unicodedata

import idna

MAX_NAME = 253
MAX_LABEL = 63
_MAX_TYPED = 1024
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_SERVER_ID = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


def domain_name(text: str, what: str = "domain") -> str:
    """A domain that mail can be addressed to: at least two labels, not an IP address, no underscore."""
    name = _ascii_name(text, what)
    if "." not in name:
        raise ValueError(f"“{text}” has one part only; a {what} has at least two, like example.com")
    if name.rpartition(".")[2].isdigit():
        raise ValueError(f"“{text}” ends in a number; a top-level domain is never all digits")
    return name


def host_name(text: str) -> str:
    """A fully qualified host name, as a mail server must announce itself (RFC 5321 section 4.1.1.1)."""
    if text and "." not in text.rstrip(".。．") and not _has_space_or_control(text) and not is_ip(text):
        raise ValueError(f"“{text}” is not fully qualified; write it with its domain, like {text[:30]}.example.com")
    return domain_name(text, "host name")


def spf_domain(text: str) -> str:
    """A domain whose SPF record is included; its labels may begin with an underscore (RFC 7208 section 5.2)."""
    plain = text.removeprefix("include:")
    refuse_invisible(plain, "domain")
    if "%" in plain:
        raise ValueError(f"“{shortened(text)}” has a macro (%…), which is not possible in an SPF include of a plan")
    labels = plain.split(".")
    hidden = [index for index, label in enumerate(labels[:-2]) if re.fullmatch(r"_[A-Za-z0-9-]*[A-Za-z0-9]", label)]
    for index in hidden:
        labels[index] = labels[index][1:]
    checked = domain_name(".".join(labels)).split(".")
    for index in hidden:
        checked[index] = "_" + checked[index]
    name = ".".join(checked)
    if len(name) > MAX_NAME or any(len(label) > MAX_LABEL for label in checked):
        raise ValueError(f"“{shortened(text)}” is longer than a DNS name can be")
    return name


def any_host_name(text: str) -> str:
    """A host name inside a network, which may be a single label."""
    name = _ascii_name(text, "host name")
    if name.rpartition(".")[2].isdigit():
        raise ValueError(f"“{text}” ends in a number, so it is neither a host name nor a whole IP address")
    return name


def dkim_selector(text: str) -> str:
    """A DKIM selector: labels of letters, digits and hyphens, separated by dots (RFC 6376 section 3.1)."""
    refuse_invisible(text, "selector")
    selector = text.lower()
    if not selector:
        raise ValueError("a selector is needed, for example 2026a")
    if "_domainkey" in selector:
        raise ValueError(f"“{text}” must be the selector alone, without ._domainkey and the domain")
    for label in selector.split("."):
        _check_label(label, text, "selector")
    if len(selector) > MAX_NAME - len("._domainkey.a.bc"):
        raise ValueError(f"the selector has {len(selector)} characters, too many for a DNS name")
    return selector


def server_id(text: str) -> str:
    """The id of a server in the inventory: letters, digits, dots, underscores and hyphens, at most 63."""
    if not text:
        raise ValueError("a server id is needed; it is the id that the inventory gives the server")
    refuse_invisible(text, "server id")
    if not _SERVER_ID.fullmatch(text):
        raise ValueError(
            f"“{shortened(text)}” is not a server id: letters, digits, dots, underscores and hyphens, "
            "beginning and ending with a letter or digit, at most 63 characters"
        )
    return text


def display_name(name: str) -> str:
    """The name in the form that people write (U-labels); a name that cannot be decoded stays as it is."""
    if "xn--" not in name:
        return name
    try:
        return ".".join(idna.decode(label) if label.startswith("xn--") else label for label in name.split("."))
    except (idna.IDNAError, UnicodeError):
        return name


def is_under(name: str, domain: str) -> bool:
    """Whether a name is the domain itself or below it."""
    return name == domain or name.endswith("." + domain)


def is_ip(text: str) -> bool:
    """Whether the text is an IPv4 or IPv6 address, also in brackets."""
    try:
        ipaddress.ip_address(text.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


def _ascii_name(text: str, what: str) -> str:
    if not text:
        raise ValueError(f"a {what} is needed")
    refuse_invisible(text, what)
    if len(text) > _MAX_TYPED:
        raise ValueError(f"the {what} has {len(text)} characters; at most {MAX_NAME} are possible")
    if is_ip(text):
        raise ValueError(f"“{text}” is an IP address; a name is needed here")
    if "://" in text or "/" in text:
        raise ValueError(f"“{shortened(text)}” looks like a web address; write the {what} alone")
    if "@" in text:
        raise ValueError(f"“{shortened(text)}” is a mail address; write only the {what} after the @")
    if "_" in text:
        raise ValueError(f"“{shortened(text)}” contains an underscore, which a {what} cannot have")
    if "*" in text:
        raise ValueError(f"“{shortened(text)}” contains a wildcard; write each {what} out")
    name = _encode(text, what)
    if len(name) > MAX_NAME:
        raise ValueError(f"the {what} has {len(name)} characters in DNS form; at most {MAX_NAME} are possible")
    for label in name.split("."):
        _check_label(label, text, what)
    return name


def _encode(text: str, what: str) -> str:
    """Lower-case A-labels without the final dot."""
    typed = unicodedata.normalize("NFC", text)
    if typed.isascii():
        name = typed.lower().removesuffix(".")
        for label in name.split("."):
            _check_label(label, text, what)
            if label.startswith("xn--"):
                try:
                    idna.ulabel(label)
                except (idna.IDNAError, UnicodeError):
                    raise ValueError(f"“{label}” is not a valid internationalised name (xn--…)") from None
        return name
    try:
        return idna.encode(typed, uts46=True, std3_rules=True).decode("ascii").lower().removesuffix(".")
    except idna.InvalidCodepoint:
        strange = "".join(sorted({c for c in typed if not c.isascii() and not c.isalpha()})) or shortened(text)
        raise ValueError(f"“{shortened(text)}” contains what a {what} cannot have: {strange} (IDNA 2008)") from None
    except (idna.IDNAError, UnicodeError) as error:
        raise ValueError(f"“{shortened(text)}” is not a {what}: {str(error).rstrip('.')}") from None


def _check_label(label: str, text: str, what: str) -> None:
    shown = shortened(text)
    if not label:
        where = "begins with a dot" if text.startswith(".") else "has two dots in a row or too many at its end"
        raise ValueError(f"“{shown}” {where}")
    if len(label) > MAX_LABEL:
        raise ValueError(
            f"“{shortened(label)}” has {len(label)} characters; a part of a {what} has at most {MAX_LABEL}"
        )
    if label.startswith("-") or label.endswith("-"):
        raise ValueError(f"“{label}” begins or ends with a hyphen, which a {what} cannot")
    if not _LABEL.fullmatch(label):
        strange = "".join(sorted(set(re.sub(r"[a-z0-9-]", "", label))))
        raise ValueError(f"“{shown}” contains what a {what} cannot have: {strange}")


def _has_space_or_control(text: str) -> bool:
    return any(c.isspace() or not c.isprintable() for c in text)


def refuse_invisible(text: str, what: str) -> None:
    """Refuse white space, control characters and invisible characters."""
    if text != text.strip():
        raise ValueError(f"the {what} has a space, a tab or a line break at its beginning or end")
    for character in text:
        if character.isspace():
            raise ValueError(f"the {what} contains a space, a tab or a line break")
        if not character.isprintable():
            name = unicodedata.name(character, f"U+{ord(character):04X}")
            raise ValueError(f"the {what} contains a character that cannot be seen ({name.lower()})")


def shortened(text: str, limit: int = 60) -> str:
    """The operator's text, cut to a length that fits in a message."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
