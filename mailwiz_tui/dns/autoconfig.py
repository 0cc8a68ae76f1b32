"""Autoconfig and Autodiscover: settings that Thunderbird and Outlook fetch over HTTPS.

Autoconfig is draft-ietf-mailmaint-autoconfig; Autodiscover is Microsoft's [MS-OXDISCO].
"""

from __future__ import annotations

from mailwiz_tui.dns.record import HOUR, Note, Record, Section
from mailwiz_tui.dns.site import Site
from mailwiz_tui.dns.standard import Standard


def records(site: Site) -> list[Record]:
    """The names for these programs, for each mailbox domain with an HTTPS site."""
    found: list[Record] = []
    for domain in site.plan.mailbox_domains():
        programs = (
            ("autoconfig", "Thunderbird and others", site.web.autoconfig),
            ("autodiscover", "Outlook", site.web.autodiscover),
        )
        for label, program, domains in programs:
            if domain not in domains:
                continue
            found.append(
                Record(
                    domain=domain,
                    name=f"{label}.{domain}",
                    type="CNAME",
                    value=f"{site.hostname}.",
                    ttl=HOUR,
                    reason=f"Host from which {program} fetch the settings of an address in {domain}.",
                    required=False,
                    section=Section.CLIENTS,
                    standard=Standard.AUTOCONFIG,
                )
            )
        if not site.serves_clients:
            continue
        found.append(
            Record(
                domain=domain,
                name=f"_autodiscover._tcp.{domain}",
                type="SRV",
                value=f"0 1 443 {site.hostname}.",
                ttl=HOUR,
                reason=(
                    "Host from which Outlook fetches its settings if the host above does not answer ([MS-OXDISCO])."
                ),
                required=False,
                section=Section.CLIENTS,
                standard=Standard.AUTOCONFIG,
            )
        )
    return found


def notes(site: Site) -> list[Note]:
    """Why there are no records."""
    if site.web.autoconfig or site.web.autodiscover:
        return []
    return [
        Note(
            site.primary,
            "Autoconfig and Autodiscover",
            "Not listed: mail programs fetch these settings over HTTPS and need a trusted certificate "
            "that contains these names; yours is not trusted, or lacks them. The SRV records are used instead.",
        )
    ]
