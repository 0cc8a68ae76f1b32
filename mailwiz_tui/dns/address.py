"""Addresses of the mail hosts: A (RFC 1035 section 3.4.1) and AAAA (RFC 3596)."""

from __future__ import annotations

from mailwiz_tui.dns.record import HOUR, Record, Section
from mailwiz_tui.dns.site import ADDRESS_PENDING, Host, Site
from mailwiz_tui.dns.standard import Standard


def records(site: Site) -> list[Record]:
    """An A and an AAAA record for each host that has such an address."""
    found: list[Record] = []
    for host in site.hosts:
        if host.ipv4 or not host.ipv6:
            found.append(_record(site, host, "A", host.ipv4))
        if host.ipv6:
            found.append(_record(site, host, "AAAA", host.ipv6))
    return found


def _record(site: Site, host: Host, kind: str, value: str) -> Record:
    family, rfc = ("IPv4", "RFC 1035") if kind == "A" else ("IPv6", "RFC 3596")
    return Record(
        domain=site.zone_of(host.name),
        name=host.name,
        type=kind,
        value=value,
        ttl=HOUR,
        reason=f"{family} address of {host.name}. {_use(site, host)} ({rfc}).",
        required=True,
        section=Section.ADDRESSES,
        standard=Standard.ADDRESS,
        pending="" if value else ADDRESS_PENDING,
    )


def _use(site: Site, host: Host) -> str:
    """The records that point to a host's name; on one server all of them."""
    receives = host.name in {other.name for other in site.inbound}
    if host.name == site.hostname:
        return f"{'MX and the' if receives else 'The'} service records point to this name"
    return "The MX records point to this name" if receives else "The server greets other servers with this name"
