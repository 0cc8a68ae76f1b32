"""Tells Postfix which destinations DANE protects, before the MTA-STS resolver is asked (RFC 8461 section 2).

Runs on servers, with Python 3.11 and newer and Debian's python3-dnspython. Postfix looks a destination up in
``smtp_tls_policy_maps`` over the socketmap protocol (socketmap_table(5)); the first table that knows it decides:

- ``OK dane``: a mail exchanger has usable TLSA records, and DNSSEC proves it and them (RFC 7672 section 2.2);
- ``NOTFOUND``: none has, so the next table may know an MTA-STS policy;
- ``TEMP``: the DNS does not answer. The mail waits, because either answer could be wrong.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import re
import socket
import sys
from dataclasses import dataclass
from typing import Any, Protocol

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.rdatatype
import dns.resolver

USABLE = frozenset({2, 3})
"""The certificate usages that count on port 25: DANE-TA and DANE-EE (RFC 7672 section 3.1.3)."""
LONGEST = 1024
PATIENCE = 10.0
"""Seconds that the resolver has to answer."""
_NEXT_HOP = re.compile(r"([a-z0-9_-]+(?:\.[a-z0-9_-]+)*)(?::\d+)?\Z")


class UnknownError(Exception):
    """The DNS does not answer now; the text has the question."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer of the DNS: whether DNSSEC proves it, the records, and their name.

    ``records`` are the exchanges of MX, the usages of TLSA, otherwise the addresses, as text.
    """

    secure: bool
    records: tuple[str, ...]
    name: str


class Lookup(Protocol):
    """The resolver for the decision."""

    async def ask(self, name: str, kind: str) -> Answer:
        """The answer; empty if there is none. Raises ``UnknownError``."""


async def protected(domain: str, lookup: Lookup) -> bool:
    """Whether DANE protects mail for a domain. Raises ``UnknownError`` if the DNS does not answer."""
    exchanges = await lookup.ask(domain, "MX")
    if not exchanges.secure:
        return False
    hosts = [host for host in exchanges.records if host != "."] if exchanges.records else [domain]
    outcomes = await asyncio.gather(*(_host_protected(host, lookup) for host in hosts), return_exceptions=True)
    if any(outcome is True for outcome in outcomes):
        return True
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return False


async def _host_protected(host: str, lookup: Lookup) -> bool:
    """Whether a mail exchanger has usable TLSA records; they count only if its addresses are secure, too."""
    four = await lookup.ask(host, "A")
    addresses = four if four.records or not four.secure else await lookup.ask(host, "AAAA")
    if not addresses.secure:
        return False
    for name in dict.fromkeys((addresses.name, host)):
        found = await lookup.ask(f"_25._tcp.{name}", "TLSA")
        if found.secure and any(int(usage) in USABLE for usage in found.records):
            return True
    return False


class Resolver:
    """The server's own resolver, which validates; believed only because it is on the same host."""

    def __init__(self, address: str) -> None:
        self._resolver = dns.asyncresolver.Resolver(configure=False)
        self._resolver.nameservers = [address]
        self._resolver.use_edns(0, dns.flags.DO, 1232)
        self._resolver.lifetime = PATIENCE

    async def ask(self, name: str, kind: str) -> Answer:
        """See ``Lookup``."""
        try:
            found = await self._resolver.resolve(
                dns.name.from_text(name), kind, raise_on_no_answer=False, search=False
            )
        except dns.resolver.NXDOMAIN:
            return Answer(False, (), name)
        except dns.exception.DNSException as error:
            raise UnknownError(f"{name} {kind}: {error}") from error
        secure = bool(found.response.flags & dns.flags.AD)
        records = tuple(_text(record, kind) for record in found.rrset or ())
        return Answer(secure, records, found.canonical_name.to_text(omit_final_dot=True))


def _text(record: Any, kind: str) -> str:
    """A record's target or usage; dnspython's record classes have no common type for it."""
    if kind == "MX":
        exchange: dns.name.Name = record.exchange
        return exchange.to_text(omit_final_dot=exchange != dns.name.root)
    return str(record.usage) if kind == "TLSA" else str(record)


async def answered(key: str, lookup: Lookup) -> str:
    """The answer to Postfix about one destination, a next hop in the form of postconf(5).

    Hosts in brackets have no MX, and parent domains (``.example.com``) neither kind of policy.
    """
    found = _NEXT_HOP.match(key.lower().rstrip("."))
    if not found:
        return "NOTFOUND "
    try:
        return "OK dane" if await protected(found[1], lookup) else "NOTFOUND "
    except UnknownError as error:
        sys.stderr.write(f"no answer about {found[1]}: {error}\n")
        return f"TEMP {error}"[:LONGEST]


def netstring(text: str) -> bytes:
    """A text as a netstring."""
    data = text.encode("ascii", "replace")
    return b"%d:%b," % (len(data), data)


async def read_netstring(reader: asyncio.StreamReader) -> str | None:
    """The next netstring, or None at the end. Raises ``ValueError`` if it is invalid."""
    try:
        length = (await reader.readuntil(b":"))[:-1]
        if not length.isdigit() or int(length) > LONGEST:
            raise ValueError("not a netstring")
        data = await reader.readexactly(int(length) + 1)
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return None
    if not data.endswith(b","):
        raise ValueError("not a netstring")
    return data[:-1].decode("ascii", "replace")


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lookup: Lookup) -> None:
    """Answer one client until it disconnects."""
    with contextlib.suppress(ValueError, ConnectionError):
        while (request := await read_netstring(reader)) is not None:
            writer.write(netstring(await answered(request.partition(" ")[2], lookup)))
            await writer.drain()
    writer.close()


def notify(state: str) -> None:
    """Tell systemd (sd_notify(3)), if it asked for that."""
    if path := os.environ.get("NOTIFY_SOCKET"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.sendto(state.encode(), "\0" + path[1:] if path.startswith("@") else path)


async def run(port: int, resolver: str) -> None:
    """Listen on the loopback, for ever."""
    lookup = Resolver(resolver)
    server = await asyncio.start_server(lambda r, w: serve(r, w, lookup), "127.0.0.1", port)
    notify("READY=1")
    async with server:
        await server.serve_forever()


def main() -> None:
    """Read the command line and listen."""
    options = argparse.ArgumentParser(description="Tells Postfix which destinations DANE protects.")
    options.add_argument("port", type=int)
    options.add_argument("--resolver", default="127.0.0.1")
    given = options.parse_args()
    asyncio.run(run(given.port, given.resolver))


if __name__ == "__main__":
    main()
