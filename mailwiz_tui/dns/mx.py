"""MX: the hosts that receive a domain's mail (RFC 5321 section 5, RFC 1035 section 3.3.9)."""

from __future__ import annotations

from mailwiz_tui.dns.record import HOUR, Record, Section
from mailwiz_tui.dns.site import Site
from mailwiz_tui.dns.standard import Standard

PREFERENCE = 10


def records(site: Site) -> list[Record]:
    """One MX record for each domain and receiving host, all with the same preference."""
    return [
        Record(
            domain=domain,
            name=domain,
            type="MX",
            value=f"{PREFERENCE} {name}.",
            ttl=HOUR,
            reason=f"Tells other mail servers to deliver mail for {domain} to {name} (RFC 5321).",
            required=True,
            section=Section.DELIVERY,
            standard=Standard.MX,
        )
        for domain in site.plan.all_domains()
        for name in dict.fromkeys(host.name for host in site.inbound)
    ]
