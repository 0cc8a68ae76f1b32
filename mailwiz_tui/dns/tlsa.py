"""TLSA: the certificate's fingerprint in the DNS, for DANE (RFC 6698, RFC 7672, RFC 7673)."""

from __future__ import annotations

from collections.abc import Iterator

from mailwiz_tui.dns.record import HOUR, Record, Section
from mailwiz_tui.dns.site import Site
from mailwiz_tui.dns.srv import SERVICES
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.topology.servers import fronts

PENDING = "certificate not known yet: prepare generates it"


def records(site: Site) -> list[Record]:
    """``3 1 1``: the SHA-256 of a server's own public key, at each port where it is shown.

    It stays valid when a certificate is renewed with the same key. A receiving host has its own key on port 25. A
    mail hostname of several servers has the keys of all at the ports that the SRV records name: mail programs may
    reach any of them.
    """
    found = [
        _record(
            site,
            f"_25._tcp.{host.name}",
            host.server_id,
            f"Lets senders verify the certificate of {host.name} on port 25 (DANE, RFC 7672).",
            Section.TRANSPORT,
        )
        for host in site.inbound
    ]
    return [*found, *_shared(site)]


def shared_names(site: Site) -> tuple[str, ...]:
    """The names with the keys of several servers, one for each port."""
    if len(fronts(site.plan)) < 2:
        return ()
    return tuple(f"_{service.port}._tcp.{site.hostname}" for service in SERVICES if service.port)


def _shared(site: Site) -> Iterator[Record]:
    for name in shared_names(site):
        port = name.partition(".")[0].removeprefix("_")
        reason = (
            f"Lets mail programs verify the certificate of {{}} at {site.hostname} on port {port} "
            "(DANE with SRV, RFC 7673)."
        )
        for server in fronts(site.plan):
            yield _record(site, name, server.id, reason.format(server.id), Section.CLIENTS)


def _record(site: Site, name: str, server_id: str, reason: str, section: Section) -> Record:
    """The record of one server's key."""
    tls = site.tls(server_id)
    digest = tls.spki_sha256 if tls else ""
    readers = "senders" if section is Section.TRANSPORT else "mail programs"
    return Record(
        domain=site.zone_of(name.split(".", 2)[2]),
        name=name,
        type="TLSA",
        value=f"3 1 1 {digest}" if digest else "",
        ttl=HOUR,
        reason=reason,
        required=False,
        section=section,
        standard=Standard.TLSA,
        pending="" if digest else PENDING,
        note=f"Has an effect only if the zone is signed with DNSSEC; otherwise {readers} ignore it.",
    )
