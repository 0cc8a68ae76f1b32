"""The versions of IP of a server."""

from __future__ import annotations

import ipaddress

from mailwiz_tui.stack.component import Context


def has_ipv6(context: Context) -> bool:
    """Whether the server has a public IPv6 address; true if that is unknown."""
    if context.public_ipv6:
        return True
    if not context.facts.addresses:
        return not context.public_ipv4
    return any(ipaddress.ip_address(a.ip).version == 6 and a.is_global for a in context.facts.addresses)


def has_ipv4(context: Context) -> bool:
    """Whether the server has an IPv4 address besides the loopback; true if that is unknown."""
    if context.public_ipv4 or not context.facts.addresses:
        return True
    found = (ipaddress.ip_address(a.ip) for a in context.facts.addresses)
    return any(ip.version == 4 and not ip.is_loopback for ip in found)


def inet_protocols(context: Context) -> str:
    """The versions in Postfix's form (postconf(5), ``inet_protocols``)."""
    if has_ipv4(context) and has_ipv6(context):
        return "all"
    return "ipv6" if has_ipv6(context) else "ipv4"
