"""Targets of connections: IP addresses, ports, hosts, next hops, URLs.

Every function returns the normalised value or raises ``ValueError`` with a sentence for the operator.
Next hops have Postfix's form (transport(5), ``relayhost`` in postconf(5)).
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import urlsplit

from mailwiz_tui.plan.dnsnames import any_host_name, is_ip, refuse_invisible, shortened


@dataclass(frozen=True, slots=True)
class NextHop:
    """The parts of a next hop. ``lookup_mx``: the host is a domain whose MX records are used (no brackets)."""

    host: str
    port: int | None = None
    lookup_mx: bool = True

    def __str__(self) -> str:
        host = self.host if self.lookup_mx else f"[{self.host}]"
        return host if self.port is None else f"{host}:{self.port}"


def ip_address(text: str) -> str:
    """An IPv4 or IPv6 address in its shortest form; no prefix length, no interface, not 0.0.0.0 or multicast."""
    refuse_invisible(text, "IP address")
    if not text:
        raise ValueError("an IP address is needed")
    if "/" in text:
        raise ValueError(f"“{shortened(text)}” is a network; write the address without the prefix length")
    if "%" in text:
        raise ValueError(f"“{shortened(text)}” names an interface; write the address alone")
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"“{shortened(text)}” is not an IP address, like 192.0.2.10 or 2001:db8::10") from None
    address = getattr(address, "ipv4_mapped", None) or address
    if address.is_unspecified or address.is_multicast or address == ipaddress.ip_address("255.255.255.255"):
        raise ValueError(f"“{address}” is not the address of a single host")
    return str(address)


def port_number(text: str) -> int:
    """A TCP or UDP port, 1 to 65535."""
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535):
        raise ValueError(f"“{shortened(text)}” is not a port; ports are numbers from 1 to 65535")
    return int(text)


def host(text: str) -> str:
    """A host to connect to: a name (a single label is enough inside a network) or an IP address."""
    refuse_invisible(text, "host")
    if is_ip(text):
        return ip_address(text.removeprefix("[").removesuffix("]"))
    return any_host_name(text)


def parse_next_hop(text: str) -> NextHop:
    """The parts of a next hop: ``host``, ``host:port``, ``[host]``, ``[host]:port``, ``[2001:db8::1]:25``.

    A bare IP address gets its brackets: Postfix would look for its MX records otherwise.
    """
    refuse_invisible(text, "next hop")
    if not text:
        raise ValueError("a next hop is needed, like mail.internal.example.org or [192.0.2.25]:25")
    if is_ip(text):
        return NextHop(ip_address(text.removeprefix("[").removesuffix("]")), lookup_mx=False)
    if text.startswith("["):
        inner, closing, tail = text[1:].partition("]")
        if not closing or (tail and not tail.startswith(":")):
            raise ValueError(f"“{shortened(text)}” is not a next hop; with brackets it is [host] or [host]:port")
        inner = inner.removeprefix("IPv6:").removeprefix("ipv6:")
        return NextHop(host(inner), port_number(tail[1:]) if tail else None, lookup_mx=False)
    name, colon, port = text.partition(":")
    if "]" in text or ":" in port:
        raise ValueError(
            f"“{shortened(text)}” is not a next hop; write an IPv6 address in brackets: [2001:db8::1]:25"
        )
    if is_ip(name):
        return NextHop(ip_address(name), port_number(port), lookup_mx=False)
    return NextHop(any_host_name(name), port_number(port) if colon else None)


def next_hop(text: str) -> str:
    """A next hop in Postfix's form."""
    return str(parse_next_hop(text))


def https_url(text: str) -> str:
    """An https URL without a user name or fragment."""
    return _url(text, ("https",))


def http_url(text: str) -> str:
    """An http or https URL without a user name or fragment."""
    return _url(text, ("https", "http"))


def _url(text: str, schemes: tuple[str, ...]) -> str:
    refuse_invisible(text, "URL")
    shown = shortened(text)
    if not text.isascii() or any(c in text for c in "\"'<>\\^`{}|$"):
        raise ValueError(f"“{shown}” contains a character that is not allowed in a URL; encode it as %xx")
    try:
        parts = urlsplit(text)
        port = parts.port
        name = parts.hostname or ""
    except ValueError as error:
        raise ValueError(f"“{shown}” is not a URL: {error}") from None
    if parts.scheme not in schemes:
        raise ValueError(f"“{shown}” must begin with {' or '.join(s + '://' for s in schemes)}")
    if not name:
        raise ValueError(f"“{shown}” has no host")
    if "@" in parts.netloc:
        raise ValueError(
            f"“{shown.rpartition('@')[2]}” must not contain a user name or password; secrets are asked for later"
        )
    if parts.fragment or text.endswith("#"):
        raise ValueError(f"“{shown}” has a fragment (#…), which is never sent to a server")
    if port == 0:
        raise ValueError(f"“{shown}” has port 0; ports are numbers from 1 to 65535")
    checked = host(name)
    where = f"[{checked}]" if ":" in checked else checked
    rest = parts.path + (f"?{parts.query}" if parts.query else "")
    return f"{parts.scheme}://{where}" + (f":{port}" if port is not None else "") + rest


UPDATE_ALGORITHMS = ("hmac-sha224", "hmac-sha256", "hmac-sha384", "hmac-sha512")


def update_key(text: str) -> str:
    """The name of a key for DNS updates, ``[ALGORITHM:]NAME`` (TSIG, RFC 8945); never its secret."""
    refuse_invisible(text, "key's name")
    algorithm, _, name = text.rpartition(":")
    algorithm = algorithm.lower()
    if algorithm and algorithm not in UPDATE_ALGORITHMS:
        raise ValueError(
            f"“{shortened(text)}” is not [ALGORITHM:]NAME with one of {', '.join(UPDATE_ALGORITHMS)}; the secret "
            "is asked for later, because a plan has no secrets"
        )
    if not re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?", name):
        raise ValueError(f"“{shortened(name)}” is not the name of a key: letters, digits, dots and hyphens")
    return f"{algorithm}:{name.lower()}" if algorithm else name.lower()
