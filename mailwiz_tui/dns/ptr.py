"""PTR: the name of an address, which receivers compare with the server's own (RFC 1035 section 3.5)."""

from __future__ import annotations

import ipaddress

from mailwiz_tui.dns.record import HOUR, Record, Section
from mailwiz_tui.dns.site import Site
from mailwiz_tui.dns.standard import Standard


def records(site: Site) -> list[Record]:
    """One PTR record for each address that sends mail; the provider of the address sets it."""
    found: list[Record] = []
    for host in site.outbound:
        for address in host.addresses:
            found.append(
                Record(
                    domain=site.zone_of(host.name),
                    name=ipaddress.ip_address(address).reverse_pointer,
                    type="PTR",
                    value=f"{host.name}.",
                    ttl=HOUR,
                    reason=f"Receivers look up the name of {address} and may reject mail if it is not {host.name}, "
                    "the name the server greets with (RFC 1912 section 2.1).",
                    required=True,
                    section=Section.REVERSE,
                    standard=Standard.PTR,
                    note=f"Set it at the provider of {address}: in the control panel, under reverse DNS or rDNS.",
                )
            )
    return found
