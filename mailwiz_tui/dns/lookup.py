"""Look-ups in the DNS: at the zone's own servers, without any cache; if they do not answer, at a resolver."""

from __future__ import annotations

import asyncio
import ipaddress
from dataclasses import dataclass

import dns.asyncquery
import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.TXT import TXT

from mailwiz_tui.plan.errors import OperatorError

DNS_PORT = 53
MOST_SERVERS = 4
"""How many addresses of a zone's servers are tried before the resolver."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The result of a look-up: ``values`` are empty if there is no such record, None without an answer.

    ``source`` is the server that answered, ``signed`` tells whether the answer had DNSSEC signatures.
    """

    values: tuple[str, ...] | None
    source: str = ""
    problem: str = ""
    signed: bool = False


class ResolverError(OperatorError):
    """A resolver that cannot be used: its address is invalid, or there is none."""


class Lookup:
    """A series of look-ups that share the found zones and their servers.

    ``resolver`` is ``ADDRESS``, ``ADDRESS:PORT`` or ``[IPv6]:PORT``; None is the system's. ``patience`` is in
    seconds for each look-up. Raises ``ResolverError``.
    """

    def __init__(
        self, resolver: str | None = None, *, patience: float = 3.0, port: int = DNS_PORT, parallel: int = 24
    ) -> None:
        self._resolver = _resolver(resolver, patience)
        self._timeout = patience
        self._port = port
        self._limit = asyncio.Semaphore(parallel)
        self._zones: dict[str, asyncio.Task[tuple[str, ...]]] = {}

    async def ask(self, name: str, kind: str) -> Answer:
        """The records of a name and type, as zone-file text; TXT joined and unquoted."""
        async with self._limit:
            for server in await self._servers_for(name):
                answer = await self._ask_server(server, name, kind)
                if answer is not None:
                    return answer
            return await self._ask_resolver(name, kind)

    async def _ask_server(self, server: str, name: str, kind: str) -> Answer | None:
        query = dns.message.make_query(name, kind, want_dnssec=True)
        query.flags &= ~dns.flags.RD
        try:
            reply, _ = await dns.asyncquery.udp_with_fallback(query, server, timeout=self._timeout, port=self._port)
        except (dns.exception.DNSException, OSError, EOFError):
            return None
        if not isinstance(reply, dns.message.QueryMessage) or not reply.flags & dns.flags.AA:
            return None
        if reply.rcode() not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            return None
        if reply.rcode() == dns.rcode.NXDOMAIN:
            return Answer((), server)
        chain = reply.resolve_chaining()
        if chain.answer is None and chain.cnames:
            return None
        signed = any(rrset.rdtype == dns.rdatatype.RRSIG for rrset in reply.answer)
        return Answer(tuple(rdata_text(r) for r in chain.answer or ()), server, signed=signed)

    async def _ask_resolver(self, name: str, kind: str) -> Answer:
        source = f"resolver {', '.join(str(n) for n in self._resolver.nameservers)}"
        try:
            found = await self._resolver.resolve(name, kind, raise_on_no_answer=False, search=False)
        except dns.resolver.NXDOMAIN:
            return Answer((), source)
        except (dns.exception.DNSException, OSError, EOFError) as error:
            return Answer(None, source, f"no server answered for {name} {kind} ({_plain(error)})")
        signed = bool(found.response.flags & dns.flags.AD)
        return Answer(tuple(rdata_text(r) for r in found.rrset or ()), source, signed=signed)

    async def _servers_for(self, name: str) -> tuple[str, ...]:
        """The addresses of the servers of the zone of a name; none if they cannot be found."""
        try:
            zone = await dns.asyncresolver.zone_for_name(name, resolver=self._resolver)
        except (dns.exception.DNSException, OSError, EOFError):
            return ()
        key = zone.to_text().lower()
        if key not in self._zones:
            self._zones[key] = asyncio.create_task(self._addresses_of(zone))
        return await self._zones[key]

    async def _addresses_of(self, zone: dns.name.Name) -> tuple[str, ...]:
        names = (await self._ask_resolver(zone.to_text(), "NS")).values or ()
        asked = [self._ask_resolver(name, kind) for kind in ("A", "AAAA") for name in sorted(names)]
        answers = await asyncio.gather(*asked)
        found = dict.fromkeys(value for answer in answers for value in answer.values or ())
        return tuple(found)[:MOST_SERVERS]


def _resolver(given: str | None, patience: float) -> dns.asyncresolver.Resolver:
    if given is None:
        try:
            resolver = dns.asyncresolver.Resolver()
        except dns.resolver.NoResolverConfiguration as error:
            raise ResolverError(
                "this machine has no resolver", "/etc/resolv.conf", "name one with --resolver ADDRESS"
            ) from error
    else:
        resolver = dns.asyncresolver.Resolver(configure=False)
        address, port = split_address(given)
        resolver.nameservers = [address]
        resolver.port = port
    resolver.timeout, resolver.lifetime = patience, patience * 2
    resolver.use_edns(0, dns.flags.DO, 1232)
    resolver.flags = dns.flags.RD | dns.flags.AD
    return resolver


def split_address(text: str) -> tuple[str, int]:
    """``ADDRESS``, ``ADDRESS:PORT``, ``[IPv6]:PORT`` or ``ADDRESS#PORT`` as address and port."""
    host, port = text.strip(), str(DNS_PORT)
    if "#" in host:
        host, _, port = host.partition("#")
    elif host.startswith("["):
        host, _, rest = host[1:].partition("]")
        port = rest.removeprefix(":") or port
    elif host.count(":") == 1:
        host, _, port = host.partition(":")
    try:
        return ipaddress.ip_address(host).compressed, int(port)
    except ValueError as error:
        raise ResolverError(
            f"“{text}” is not the address of a DNS server",
            advice="write an IP address, or ADDRESS:PORT for another port",
        ) from error


def rdata_text(rdata: dns.rdata.Rdata) -> str:
    """A record's value as zone-file text; that of TXT joined and unquoted."""
    if isinstance(rdata, TXT):
        return b"".join(rdata.strings).decode("utf-8", "replace")
    return rdata.to_text()


def _plain(error: Exception) -> str:
    if isinstance(error, dns.exception.Timeout):
        return "no answer in time"
    if isinstance(error, dns.resolver.NoNameservers):
        return "every server failed"
    return " ".join(str(error).split())[:120] or type(error).__name__
