"""A small authoritative name server and resolver in one, for tests: answers from a zone text over UDP."""

from __future__ import annotations

import asyncio
from typing import cast

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rrset
import dns.zone


class NameServer(asyncio.DatagramProtocol):
    """Serves zones by origin; ``silent`` names get no answer, ``refusing`` refuses non-recursive ones."""

    def __init__(
        self, zones: dict[str, str], *, silent: frozenset[str] = frozenset(), refusing: bool = False
    ) -> None:
        self.zones = {
            dns.name.from_text(origin): dns.zone.from_text(text, origin=origin, relativize=False)
            for origin, text in zones.items()
        }
        self.silent = silent
        self.refusing = refusing
        self.port = 0
        self.direct: list[str] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)  # Python 3.11's is none by its type
        self.port = transport.get_extra_info("sockname")[1]

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text().rstrip(".").lower()
        if name in self.silent:
            return
        reply = dns.message.make_response(query)
        if not query.flags & dns.flags.RD:
            self.direct.append(name)
            if self.refusing:
                reply.set_rcode(dns.rcode.REFUSED)
                self.transport.sendto(reply.to_wire(), addr)
                return
        reply.flags |= dns.flags.AA | dns.flags.RA
        zones = [origin for origin in self.zones if question.name.is_subdomain(origin)]
        if not zones:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        else:
            origin = max(zones, key=len)
            zone = self.zones[origin]
            node = zone.get_node(question.name)
            found = zone.get_rdataset(question.name, question.rdtype) if node else None
            if found:
                reply.answer.append(dns.rrset.from_rdata_list(question.name, found.ttl, list(found)))
            else:
                if node is None:
                    reply.set_rcode(dns.rcode.NXDOMAIN)
                soa = zone.get_rdataset(origin, "SOA")
                assert soa is not None
                reply.authority.append(dns.rrset.from_rdata_list(origin, soa.ttl, list(soa)))
        self.transport.sendto(reply.to_wire(max_size=65535), addr)
