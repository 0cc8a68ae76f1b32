"""TLSA: the certificate's fingerprint in the DNS, for DANE (RFC 6698, RFC 7672)."""

from __future__ import annotations

from mailwiz_tui.dns.record import HOUR, Record, Section
from mailwiz_tui.dns.site import Site
from mailwiz_tui.dns.standard import Standard

PENDING = "certificate not known yet: prepare generates it"


def records(site: Site) -> list[Record]:
    """``3 1 1`` for port 25 of each receiving host: the SHA-256 of the server's own public key.

    It stays valid when a certificate is renewed with the same key.
    """
    found: list[Record] = []
    for host in site.inbound:
        tls = site.tls(host)
        digest = tls.spki_sha256 if tls else ""
        found.append(
            Record(
                domain=site.zone_of(host.name),
                name=f"_25._tcp.{host.name}",
                type="TLSA",
                value=f"3 1 1 {digest}" if digest else "",
                ttl=HOUR,
                reason=f"Lets senders verify the certificate of {host.name} on port 25 (DANE, RFC 7672).",
                required=False,
                section=Section.TRANSPORT,
                standard=Standard.TLSA,
                pending="" if digest else PENDING,
                note="Has an effect only if the zone is signed with DNSSEC; otherwise senders ignore it.",
            )
        )
    return found
