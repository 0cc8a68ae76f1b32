"""The lab's addresses: documentation ranges only, because mail software trusts private addresses.

Rspamd and SpamAssassin skip SPF, DKIM and DMARC for RFC 1918 and ULA clients, so every address that a mail
server of the lab sees comes from RFC 5737 and RFC 3849, including that of the operator.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from .machine import LabError

RANGES_V4 = tuple(IPv4Network(text) for text in ("198.51.100.0/24", "203.0.113.0/24", "192.0.2.0/24"))
"""RFC 5737, in the order they are tried."""
RANGE_V6 = IPv6Network("2001:db8::/32")
"""RFC 3849."""
BLOCKS_V4 = tuple(block for net in RANGES_V4 for block in net.subnets(new_prefix=26))
"""The part of one lab, by its slot."""
SLOTS = len(BLOCKS_V4)
"""Labs that fit on one machine at the same time, if it uses none of the ranges itself."""
MAX_HOSTS = 16


@dataclass(frozen=True)
class Pair:
    """The addresses of one host, in both protocols."""

    ipv4: IPv4Address
    ipv6: IPv6Address

    def __str__(self) -> str:
        return f"{self.ipv4} {self.ipv6}"


@dataclass(frozen=True)
class AddressPlan:
    """All addresses of one lab, in one /26 and one /48.

    ======== ============== ======= =======================================
    part     IPv4           IPv6    used for
    ======== ============== ======= =======================================
    hosts    .0/27          :1::/64 mx1 is .11 and ::11; .27-.30 stay free
    outside  .32/28         :2::/64 DNS, resolver, mail, packages, ACME
    operator .48/30         :3::/64 the wire to the machine
    ======== ============== ======= =======================================
    """

    slot: int
    ipv4: IPv4Network
    ipv6: IPv6Network

    @property
    def device(self) -> str:
        """Name of the machine's end of the wire."""
        return f"mwl{self.slot}"

    @property
    def hosts_net(self) -> tuple[IPv4Network, IPv6Network]:
        return self._subnet(0, 27, 1)

    @property
    def outside_net(self) -> tuple[IPv4Network, IPv6Network]:
        return self._subnet(32, 28, 2)

    @property
    def operator_net(self) -> tuple[IPv4Network, IPv6Network]:
        return self._subnet(48, 30, 3)

    @property
    def hosts_gateway(self) -> Pair:
        return self._pair(1, 1, "1")

    @property
    def outside_gateway(self) -> Pair:
        return self._pair(33, 2, "1")

    @property
    def wire(self) -> Pair:
        """The lab's end of the wire to the machine."""
        return self._pair(49, 3, "1")

    @property
    def operator(self) -> Pair:
        """The machine's end: the source address of the operator's connections."""
        return self._pair(50, 3, "2")

    @property
    def nameservers(self) -> tuple[Pair, Pair]:
        """The authoritative server, with two addresses, as a domain should have."""
        return self._pair(34, 2, "34"), self._pair(35, 2, "35")

    @property
    def resolver(self) -> Pair:
        return self._pair(36, 2, "36")

    @property
    def mail(self) -> Pair:
        return self._pair(37, 2, "37")

    @property
    def proxy(self) -> Pair:
        return self._pair(38, 2, "38")

    @property
    def acme(self) -> Pair:
        return self._pair(39, 2, "39")

    @property
    def virtual(self) -> tuple[Pair, ...]:
        """Free addresses in the hosts' network, for a cluster's virtual IP."""
        return tuple(self._pair(last, 1, str(last)) for last in (27, 28, 29, 30))

    def host(self, number: int) -> Pair:
        """Return the addresses of host 1, 2, 3 …"""
        if not 1 <= number <= MAX_HOSTS:
            raise LabError(f"a lab has at most {MAX_HOSTS} hosts; take some down, or use another --name")
        return self._pair(10 + number, 1, str(10 + number))

    def _subnet(self, offset: int, length: int, part: int) -> tuple[IPv4Network, IPv6Network]:
        return (
            IPv4Network((self.ipv4.network_address + offset, length)),
            IPv6Network((int(self.ipv6.network_address) + (part << 64), 64)),
        )

    def _pair(self, offset: int, part: int, last: str) -> Pair:
        six = int(self.ipv6.network_address) + (part << 64) + int(last, 16)
        return Pair(self.ipv4.network_address + offset, IPv6Address(six))


def allocate(slots: Collection[int], taken: Iterable[str]) -> AddressPlan:
    """Choose addresses for a new lab: a slot no other lab has, in blocks this machine does not use.

    ``taken`` are networks and addresses of the machine's routes, resolvers and download servers. A block with a
    taken part is not used at all.
    """
    nets = [ip_network(text, strict=False) for text in taken]
    used = [net for net in nets if isinstance(net, IPv4Network)]
    usable = [slot for slot, block in enumerate(BLOCKS_V4) if not any(block.overlaps(net) for net in used)]
    if not usable:
        names = ", ".join(str(net) for net in RANGES_V4)
        raise LabError(f"this machine uses all documentation ranges ({names}) itself; the lab needs a part of one")
    slot = next((number for number in usable if number not in slots), None)
    if slot is None:
        raise LabError(f"{len(usable)} labs exist already; take one down: mailwiz-tui lab down --name NAME")
    for block in range(0xCA00 + slot, 0xCB00, SLOTS):
        six = IPv6Network((int(RANGE_V6.network_address) + (block << 80), 48))
        if not any(six.overlaps(other) for other in nets if other.version == 6):
            return AddressPlan(slot, BLOCKS_V4[slot], six)
    raise LabError(f"this machine uses {RANGE_V6} itself, but the lab needs a part of it")
