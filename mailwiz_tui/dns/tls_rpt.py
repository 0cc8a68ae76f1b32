"""TLS-RPT: the address for reports of failed encryption (RFC 8460)."""

from __future__ import annotations

from mailwiz_tui.dns.record import HOUR, Record, Section
from mailwiz_tui.dns.site import Site
from mailwiz_tui.dns.standard import Standard


def records(site: Site) -> list[Record]:
    """One record for each domain; reports go to the primary domain's postmaster, which always exists."""
    return [
        Record(
            domain=domain,
            name=f"_smtp._tls.{domain}",
            type="TXT",
            value=f"v=TLSRPTv1; rua=mailto:postmaster@{site.primary}",
            ttl=HOUR,
            reason=f"Asks senders for a daily report of failed encryption towards {domain} (TLS-RPT, RFC 8460).",
            required=False,
            section=Section.TRANSPORT,
            standard=Standard.TLS_RPT,
        )
        for domain in site.plan.all_domains()
    ]
