"""Updates and look-ups in the lab's DNS: RFC 2136 updates with the lab's TSIG key, answers from its resolver."""

from __future__ import annotations

from collections.abc import Iterable

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.query
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.tsig
import dns.tsigkeyring
import dns.update
import dns.xfr
import dns.zone
import dns.zonefile

from . import machine, zones
from .addresses import AddressPlan
from .keys import TSIG_NAME, LabPaths, tsig_secret
from .machine import LabError

_SIGNER = {
    dns.rdatatype.RRSIG,
    dns.rdatatype.NSEC,
    dns.rdatatype.NSEC3,
    dns.rdatatype.NSEC3PARAM,
    dns.rdatatype.DNSKEY,
}
_KEY = dns.name.from_text(TSIG_NAME)
_APEX = {dns.rdatatype.SOA, dns.rdatatype.NS}


class LabDns:
    """The lab's DNS, from this machine."""

    def __init__(self, plan: AddressPlan, paths: LabPaths) -> None:
        self.server = str(plan.nameservers[0].ipv4)
        """Address of the authoritative server, which accepts updates."""
        self.resolver = str(plan.resolver.ipv4)
        """Address of the validating resolver that every host uses."""
        self.tsig_name = TSIG_NAME
        self._paths = paths

    @property
    def tsig_secret(self) -> str:
        """The TSIG secret (hmac-sha256) in base64."""
        return tsig_secret(self._paths)

    def publish(self, records: str | Iterable[str], ttl: int | None = 5) -> None:
        """Publish records in master format, fully qualified, of any of the lab's zones.

        Each record set given replaces the one of the same name and type. ``ttl`` overrides the records' own,
        so that no test waits for a cache; None keeps it.
        """
        for zone, sets in self._by_zone(records).items():
            update = self._update(zone)
            for rrset in sets:
                # a new CNAME replaces the former one (RFC 2136 section 3.4.2.2); Knot loses one that is
                # deleted and added in the same update
                change = update.add if rrset.rdtype == dns.rdatatype.CNAME else update.replace
                change(rrset.name, ttl if ttl is not None else rrset.ttl, *rrset)
            self._send(update, zone)

    def remove(self, *names: str) -> None:
        """Remove all records at these names."""
        for name in names:
            zone = zones.zone_of(_dot(name))
            update = self._update(zone)
            update.delete(_dot(name))
            self._send(update, zone)

    def clear(self, *domains: str, keep: str = "") -> None:
        """Reset zones (all, if none are named) to their first content.

        ``keep`` are records in master format that stay, or come back, besides a zone's own name servers.
        """
        kept = self._by_zone(keep)
        for zone in [_dot(domain) for domain in domains] or [
            zone for zone in zones.ZONES if zone not in (".", "test.", "outside.test.")
        ]:
            wanted = {(rrset.name, rrset.rdtype): rrset for rrset in kept.get(zone, [])}
            update = self._update(zone)
            for name, rdtype in self._present(zone):
                if (name, rdtype) not in wanted:
                    update.delete(name, rdtype)
            for (name, _rdtype), rrset in wanted.items():
                update.replace(name, rrset.ttl, *rrset)
            if update.update:
                self._send(update, zone)

    def answer(self, name: str, rdtype: str = "A", *, server: str | None = None) -> dns.message.Message:
        """Ask the validating resolver (or another server) with DNSSEC; the message's flags say AD."""
        question = dns.message.make_query(_dot(name), rdtype, want_dnssec=True)
        try:
            answer, _tcp = dns.query.udp_with_fallback(question, server or self.resolver, timeout=3)
        except (dns.exception.DNSException, OSError) as error:
            raise LabError(f"the lab's resolver {server or self.resolver} does not answer: {error}") from error
        return answer

    def texts(self, name: str, rdtype: str = "A", *, server: str | None = None) -> list[str]:
        """Return the data of all records of a name and type, sorted; empty when there are none."""
        wanted = dns.rdatatype.from_text(rdtype)
        answer = self.answer(name, rdtype, server=server)
        return sorted(str(data) for rrset in answer.answer if rrset.rdtype == wanted for data in rrset)

    def secure(self, name: str, rdtype: str = "A", *, server: str | None = None) -> bool:
        """Tell whether a resolver validated an answer: it set AD."""
        answer = self.answer(name, rdtype, server=server)
        return answer.rcode() == dns.rcode.NOERROR and bool(answer.flags & dns.flags.AD)

    def wait(self, seconds: float = 30) -> None:
        """Wait until the whole chain answers and validates: root, ``test.``, a domain, the resolver."""

        def validates() -> bool:
            try:
                return self.secure("lab.test.", "SOA") and self.secure("mail.outside.test.", "A")
            except LabError:
                return False

        if not machine.wait_until(validates, seconds, 0.1):
            raise LabError(
                "the lab's DNS does not validate; look at outside.log in the run folder, or: lab down; lab up"
            )

    def _by_zone(self, records: str | Iterable[str]) -> dict[str, list[dns.rrset.RRset]]:
        text = records if isinstance(records, str) else "\n".join(records)
        try:
            sets = dns.zonefile.read_rrsets(
                text + "\n",
                origin=dns.name.root,
                relativize=False,
                default_ttl=5,
                rdclass=None,
                default_rdclass="IN",
            )
        except (dns.exception.DNSException, ValueError) as error:
            raise LabError(f"not a record in master format: {error}") from error
        found: dict[str, list[dns.rrset.RRset]] = {}
        for rrset in sets:
            found.setdefault(zones.zone_of(str(rrset.name).lower()), []).append(rrset)
        return found

    def _present(self, zone: str) -> list[tuple[dns.name.Name, dns.rdatatype.RdataType]]:
        content = dns.zone.Zone(zone, relativize=False)
        query, _serial = dns.xfr.make_query(
            content, keyring=self._keyring(), keyname=_KEY, keyalgorithm=dns.tsig.HMAC_SHA256
        )
        try:
            dns.query.inbound_xfr(self.server, content, query, timeout=5)
        except (dns.exception.DNSException, OSError) as error:
            raise LabError(f"the lab's DNS did not transfer {zone}: {error}") from error
        apex = dns.name.from_text(zone)
        return [
            (name, rdataset.rdtype)
            for name, node in content.nodes.items()
            for rdataset in node
            if rdataset.rdtype not in _SIGNER and not (name == apex and rdataset.rdtype in _APEX)
        ]

    def _keyring(self) -> dict[dns.name.Name, dns.tsig.Key]:
        return {_KEY: dns.tsig.Key(_KEY, self.tsig_secret, dns.tsig.HMAC_SHA256)}

    def _update(self, zone: str) -> dns.update.UpdateMessage:
        return dns.update.UpdateMessage(
            zone, keyring=self._keyring(), keyname=_KEY, keyalgorithm=dns.tsig.HMAC_SHA256
        )

    def _send(self, update: dns.update.UpdateMessage, zone: str) -> None:
        try:
            answer = dns.query.tcp(update, self.server, timeout=10)
        except (dns.exception.DNSException, OSError) as error:
            raise LabError(f"the lab's DNS server {self.server} did not update {zone}: {error}") from error
        if answer.rcode() != dns.rcode.NOERROR:
            raise LabError(f"the lab's DNS refused an update of {zone}: {dns.rcode.to_text(answer.rcode())}")


def _dot(name: str) -> str:
    return name if name.endswith(".") else name + "."
