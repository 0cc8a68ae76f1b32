"""The network as a server sees it: addresses, resolvers and their DNSSEC support, recursion, outgoing port 25."""

from __future__ import annotations

import ipaddress
import json
import os
import secrets
import socket
import struct
import time
from concurrent.futures import ThreadPoolExecutor

from ..core.host import STATE, Host
from ..protocol.facts import Address, ResolverFact

_MX_HOSTS = ("gmail-smtp-in.l.google.com", "mx1.mailbox.org", "mx-in.g.apple.com")
_ROOT_SERVERS = ("198.41.0.4", "199.7.91.13", "193.0.14.129", "2001:503:ba3e::2:30")
_RESOLV_CONF = "/etc/resolv.conf"
_RESOLVED = "/run/systemd/resolve/resolv.conf"
_KEPT = STATE + "/backup/resolv.conf"
_ROOT_HINTS = "/usr/share/dns/root.hints"
_DNS_TIMEOUT = 1.2
_CONNECT_TIMEOUT = 3.0
_NS, _RRSIG, _DNSKEY, _SOA = 2, 46, 48, 6


def addresses(host: Host) -> tuple[tuple[Address, ...], str, str]:
    """All addresses, and the public ones: the source of the default route if that is global, else the first global.

    Where no address is global (a server behind NAT) the source of the default route is given.
    """
    found: list[Address] = []
    done = host.run(["ip", "-j", "address"], timeout=3)
    try:
        interfaces = json.loads(done.output) if done.ok else []
    except ValueError:
        interfaces = []
    for interface in interfaces:
        for entry in interface.get("addr_info", ()):
            ip = ipaddress.ip_address(entry["local"])
            if ip.is_loopback or ip.is_link_local or entry.get("temporary") or entry.get("deprecated"):
                continue
            prefix = int(entry.get("prefixlen", 0))
            found.append(Address(str(ip), str(interface["ifname"]), _public(ip), prefix))
    return tuple(found), _public_of(found, 4), _public_of(found, 6)


def _public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """Global addresses; those of documentation count as well, for rehearsals use them as the outside world."""
    documentation = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
    return ip.is_global or any(ip in ipaddress.ip_network(net) for net in documentation)


def _public_of(found: list[Address], version: int) -> str:
    mine = [entry for entry in found if ipaddress.ip_address(entry.ip).version == version]
    source = _source(version)
    known = {entry.ip: entry.is_global for entry in mine}
    if known.get(source):
        return source
    first = next((entry.ip for entry in mine if entry.is_global), "")
    return first or (source if source in known and version == 4 else "")


def _source(version: int) -> str:
    family, target = (socket.AF_INET, "198.41.0.4") if version == 4 else (socket.AF_INET6, "2001:503:ba3e::2:30")
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 53))
            return str(probe.getsockname()[0])
    except OSError:
        return ""


def configured_resolvers(host: Host) -> list[str]:
    """The name servers that the server's network gave it (resolv.conf(5)).

    Behind a resolver on the server itself – systemd-resolved, or the one that an installation of ours has put
    there – the ones that were named before; only where none are known, that resolver.
    """
    found: list[str] = []
    for path in (_RESOLVED, _RESOLV_CONF, _KEPT):
        named = _name_servers(host.path(path))
        found += [address for address in named if not address.startswith("127.") and address != "::1"]
        if found:
            return found
    return _name_servers(host.path(_RESOLV_CONF))


def _name_servers(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as handle:
            words = [line.split() for line in handle]
    except OSError:
        return []
    return [w[1] for w in words if len(w) > 1 and w[0] == "nameserver"]


def resolvers(host: Host) -> tuple[ResolverFact, ...]:
    """Each configured resolver: whether it answers, and whether signatures (RRSIG, RFC 4035) come through."""

    def ask(address: str) -> ResolverFact:
        types = query(address, ".", _SOA, recurse=True)
        return ResolverFact(address, types is not None, bool(types and _RRSIG in types))

    configured = configured_resolvers(host)[:6]
    if not configured:
        return ()
    with ThreadPoolExecutor(len(configured)) as pool:
        return tuple(pool.map(ask, configured))


def recursion(host: Host) -> tuple[bool, bool]:
    """Whether root servers can be asked directly, and whether their DNSKEY comes with its signature."""
    servers = _root_servers(host)
    with ThreadPoolExecutor(2 * len(servers)) as pool:
        names = [pool.submit(query, server, ".", _NS, recurse=False) for server in servers]
        keys = [pool.submit(query, server, ".", _DNSKEY, recurse=False) for server in servers]
        reachable = any(types is not None and _NS in types for types in (f.result() for f in names))
        signed = any(types is not None and {_DNSKEY, _RRSIG} <= types for types in (f.result() for f in keys))
    return reachable, signed


def _root_servers(host: Host) -> list[str]:
    found: list[str] = []
    if os.path.exists(host.path(_ROOT_HINTS)):
        with open(host.path(_ROOT_HINTS), encoding="ascii", errors="replace") as handle:
            rows = [line.split() for line in handle]
        found = [row[3] for row in rows if len(row) == 4 and row[2] == "A"][:3]
        found += [row[3] for row in rows if len(row) == 4 and row[2] == "AAAA"][:1]
    return found or list(_ROOT_SERVERS)


def query(server: str, name: str, kind: int, *, recurse: bool) -> set[int] | None:
    """The record types in a server's answer section to a question with DO set (RFC 3225); None where none came.

    An answer that does not fit into UDP is asked for again over TCP (RFC 7766).
    """
    number = secrets.randbits(16)
    labels = b"".join(bytes([len(x)]) + x.encode("ascii") for x in name.strip(".").split(".") if x) + b"\0"
    flags = 0x0110 if recurse else 0x0010
    question = labels + struct.pack("!HH", kind, 1)
    edns = b"\0" + struct.pack("!HHIH", 41, 1232, 0x8000, 0)
    message = struct.pack("!HHHHHH", number, flags, 1, 0, 0, 1) + question + edns
    answer = _udp(server, message, number) or _udp(server, message, number)
    if answer is None:
        return None
    if struct.unpack("!H", answer[2:4])[0] & 0x0200:
        answer = _tcp(server, message) or answer
    try:
        return _types(answer)
    except (IndexError, struct.error):
        return None


def _udp(server: str, message: bytes, number: int) -> bytes | None:
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as channel:
            channel.settimeout(_DNS_TIMEOUT)
            channel.connect((server.partition("%")[0], 53))
            channel.send(message)
            deadline = time.monotonic() + _DNS_TIMEOUT
            while time.monotonic() < deadline:
                answer = channel.recv(4096)
                if len(answer) >= 12 and struct.unpack("!H", answer[:2])[0] == number:
                    return answer
    except OSError:
        pass
    return None


def _tcp(server: str, message: bytes) -> bytes | None:
    try:
        with socket.create_connection((server.partition("%")[0], 53), _DNS_TIMEOUT) as channel:
            channel.sendall(struct.pack("!H", len(message)) + message)
            with channel.makefile("rb") as stream:
                size = struct.unpack("!H", stream.read(2))[0]
                answer = stream.read(size)
                return answer if len(answer) == size else None
    except (OSError, struct.error):
        return None


def _types(answer: bytes) -> set[int] | None:
    _, flags, questions, answers, _, _ = struct.unpack("!HHHHHH", answer[:12])
    if flags & 0x000F:
        return None
    offset = 12
    for _ in range(questions):
        offset = _skip_name(answer, offset) + 4
    found = set()
    for _ in range(answers):
        offset = _skip_name(answer, offset)
        kind, _, _, size = struct.unpack("!HHIH", answer[offset : offset + 10])
        found.add(kind)
        offset += 10 + size
    return found


def _skip_name(data: bytes, offset: int) -> int:
    while data[offset]:
        if data[offset] & 0xC0 == 0xC0:
            return offset + 2
        offset += data[offset] + 1
    return offset + 1


def outbound_25() -> tuple[bool | None, bool | None]:
    """Whether outgoing port 25 works, over IPv4 and IPv6; None if unknown.

    A host that refuses or resets still shows a way out; only silence from all of them counts as blocked.
    """
    with ThreadPoolExecutor(8) as pool:
        resolved = list(pool.map(_resolve, _MX_HOSTS))
        targets = {
            family: [
                next(ip for f, ip in found if f == family)
                for found in resolved
                if any(f == family for f, _ in found)
            ]
            for family in (socket.AF_INET, socket.AF_INET6)
        }
        tries = {family: [pool.submit(_connects, family, ip) for ip in ips] for family, ips in targets.items()}
        results: list[bool | None] = []
        for family, version in ((socket.AF_INET, 4), (socket.AF_INET6, 6)):
            if not _source(version):
                results.append(None)
                continue
            outcomes = [future.result() for future in tries[family]]
            results.append(any(outcomes) if outcomes else None)
    return results[0], results[1]


def _resolve(name: str) -> list[tuple[int, str]]:
    try:
        return [(int(e[0]), str(e[4][0])) for e in socket.getaddrinfo(name, 25, type=socket.SOCK_STREAM)]
    except OSError:
        return []


def _connects(family: int, ip: str) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as channel:
            channel.settimeout(_CONNECT_TIMEOUT)
            channel.connect((ip, 25))
            return True
    except ConnectionRefusedError:
        return False
    except OSError:
        return False
