"""The first content of the lab's zones: the root, ``test.``, and the domains below it."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import IPv4Network, IPv6Network

from . import templates
from .addresses import RANGE_V6, RANGES_V4, AddressPlan

CUSTOMER_ZONES = (
    "lab.test.", "example.test.", "example2.test.", "corp.test.", "shop.test.", "school.test.", "club.test.",
)  # fmt: skip
"""Domains for plans; lab.test has the provider's names of the hosts."""
UNSIGNED_ZONE = "unsigned.test."
"""Delegated without DS: resolves, never validates."""
BOGUS_ZONE = "bogus.test."
"""Delegated with the DS of another key: a validating resolver must answer SERVFAIL."""


def _reverse(network: IPv4Network | IPv6Network) -> str:
    if isinstance(network, IPv4Network):
        octets = str(network.network_address).split(".")[:3]
        return ".".join(reversed(octets)) + ".in-addr.arpa."
    digits = network.network_address.exploded.replace(":", "")[: network.prefixlen // 4]
    return ".".join(reversed(digits)) + ".ip6.arpa."


REVERSE_ZONES = (*(_reverse(net) for net in RANGES_V4), _reverse(RANGE_V6))
SIGNED_ZONES = (".", "test.", *CUSTOMER_ZONES, "outside.test.", BOGUS_ZONE, *REVERSE_ZONES)
ZONES = (*SIGNED_ZONES, UNSIGNED_ZONE)


def zone_of(name: str) -> str:
    """Return the zone a name belongs to: the longest of ``ZONES`` that it ends with."""
    fits = [zone for zone in ZONES if zone == "." or name == zone or name.endswith("." + zone)]
    return max(fits, key=len)


def parent_of(zone: str) -> str:
    """Return the zone that delegates this one."""
    return zone_of(zone.partition(".")[2] or ".")


def zone_files(plan: AddressPlan, delegations: str, *, dkim: str, tlsa: str) -> Mapping[str, str]:
    """Write every zone file: zone -> text in master format.

    ``delegations`` are the DS records of all signed zones, ``dkim`` is the outside domain's key record,
    ``tlsa`` the SHA-256 of the outside mail server's public key (RFC 7672: 3 1 1).
    """
    values = placeholders(plan) | {"dkim": dkim, "tlsa": tlsa}
    texts = {zone: templates.render("zones/head.zone", zone=zone) for zone in ZONES}
    for zone in ("test.", "outside.test."):
        texts[zone] += templates.render(f"zones/{zone}zone", **values)
    texts["."] += templates.render("zones/test.zone", **values)
    signatures = dict(line.split(" ", 1) for line in delegations.splitlines() if line.strip())
    for zone in ZONES[1:]:
        parent = parent_of(zone)
        texts[parent] += f"{zone} 5 IN NS ns1.test.\n{zone} 5 IN NS ns2.test.\n"
        if zone in signatures:
            key = signatures["." if zone == BOGUS_ZONE else zone]
            texts[parent] += f"{zone} 5 IN {key}\n"
    for line in reverse_records(plan).splitlines():
        texts[zone_of(line.split()[0])] += line + "\n"
    return texts


def placeholders(plan: AddressPlan) -> dict[str, str]:
    """Return the addresses for configuration templates, by their names."""
    first, second = plan.nameservers
    return {
        "ns1v4": str(first.ipv4),
        "ns1v6": str(first.ipv6),
        "ns2v4": str(second.ipv4),
        "ns2v6": str(second.ipv6),
        "resolver4": str(plan.resolver.ipv4),
        "resolver6": str(plan.resolver.ipv6),
        "mail4": str(plan.mail.ipv4),
        "mail6": str(plan.mail.ipv6),
        "proxy4": str(plan.proxy.ipv4),
        "proxy6": str(plan.proxy.ipv6),
        "acme4": str(plan.acme.ipv4),
        "operator4": str(plan.operator.ipv4),
        "operator6": str(plan.operator.ipv6),
    }


def reverse_records(plan: AddressPlan) -> str:
    """Write the PTR records of all addresses except those of hosts."""
    first, second = plan.nameservers
    names = {
        first: "ns1.test.",
        second: "ns2.test.",
        plan.resolver: "resolver.outside.test.",
        plan.mail: "mail.outside.test.",
        plan.proxy: "proxy.outside.test.",
        plan.acme: "acme.outside.test.",
        plan.operator: "operator.outside.test.",
    }
    lines = []
    for pair, name in names.items():
        lines += [f"{address.reverse_pointer}. 5 IN PTR {name}" for address in (pair.ipv4, pair.ipv6)]
    return "\n".join(lines) + "\n"


def host_records(plan: AddressPlan, host_id: str, number: int) -> str:
    """Write the records a provider makes for a new server: its name, and the reverse of its addresses."""
    pair = plan.host(number)
    name = f"{host_id}.lab.test."
    return (
        f"{name} 5 IN A {pair.ipv4}\n"
        f"{name} 5 IN AAAA {pair.ipv6}\n"
        f"{pair.ipv4.reverse_pointer}. 5 IN PTR {name}\n"
        f"{pair.ipv6.reverse_pointer}. 5 IN PTR {name}\n"
    )
