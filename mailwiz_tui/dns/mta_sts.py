"""MTA-STS: a policy that mail to the domain is delivered only with TLS to the right hosts (RFC 8461)."""

from __future__ import annotations

import hashlib

from mailwiz_tui.dns.record import HOUR, Note, Record, Section
from mailwiz_tui.dns.site import Site
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.plan.model import TlsProvider
from mailwiz_tui.plan.published import mta_sts_policy

_NEEDS = "its policy must be served over HTTPS with a certificate that every sender trusts"
_INSTEAD = (
    "With a policy but without such a certificate, senders would not deliver your mail. If the zone "
    "is signed with DNSSEC, DANE (the TLSA record) protects delivery instead."
)


def policy(site: Site) -> str:
    """The policy file a sender fetches from ``https://mta-sts.DOMAIN/.well-known/mta-sts.txt``."""
    return mta_sts_policy(site.plan)


def policy_id(site: Site) -> str:
    """The identifier in the record, which changes with the policy."""
    return hashlib.sha256(policy(site).encode()).hexdigest()[:20]


def records(site: Site) -> list[Record]:
    """The record, and the name of the policy's HTTPS site, if there is one."""
    found: list[Record] = []
    for domain in site.web.mta_sts:
        found.append(
            Record(
                domain=domain,
                name=f"_mta-sts.{domain}",
                type="TXT",
                value=f"v=STSv1; id={policy_id(site)}",
                ttl=HOUR,
                reason=f"Announces the MTA-STS policy of {domain}: deliver only to its MX hosts and only "
                "with valid TLS (MTA-STS, RFC 8461).",
                required=False,
                section=Section.TRANSPORT,
                standard=Standard.MTA_STS,
            )
        )
        found.append(
            Record(
                domain=domain,
                name=f"mta-sts.{domain}",
                type="CNAME",
                value=f"{site.hostname}.",
                ttl=HOUR,
                reason="Host from which senders fetch the MTA-STS policy over HTTPS (RFC 8461 section 3.3).",
                required=False,
                section=Section.TRANSPORT,
                standard=Standard.MTA_STS,
            )
        )
    return found


def notes(site: Site) -> list[Note]:
    """Notes: no records, with the reason."""
    if site.plan.security.tls.provider is TlsProvider.SELFSIGNED:
        return [
            Note(
                site.primary,
                "MTA-STS",
                f"Not listed: {_NEEDS}, and yours is self-signed. {_INSTEAD}",
            )
        ]
    left = [domain for domain in site.plan.all_domains() if domain not in site.web.mta_sts]
    return [
        Note(
            domain,
            "MTA-STS",
            f"Not listed: {_NEEDS}, and yours does not contain mta-sts.{domain}, or is not trusted. {_INSTEAD}",
        )
        for domain in left
    ]
