"""Internal addresses of servers: free ones on the plan's own private link, or those of an existing network."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable

from mailwiz_tui.plan.rules.known_servers import MADE_BY_US, KnownAddress

LINK = "10.80.0."
"""The network of the private link that the installation sets up; the wizard numbers the servers in it."""
MOST = 250


def next_on_link(taken: Collection[str]) -> str:
    """The first free address of the private link, or of the network that the operator chose for it (a /24).

    Empty if none is left, or if the link has IPv6 addresses, which are not numbered.
    """
    network = LINK
    if taken:
        first = min(taken)
        network = first[: first.rfind(".") + 1]
    return next((ip for n in range(1, MOST + 1) if network and (ip := f"{network}{n}") not in taken), "")


def on_link(address: str) -> bool:
    """Whether an address is one that the wizard proposes."""
    return address.startswith(LINK)


def private_ones(addresses: Iterable[KnownAddress]) -> list[str]:
    """The addresses of an existing private network among those of a server's interfaces, IPv4 first.

    The link of an installation is not among them.
    """
    found = []
    for known in addresses:
        if known.interface == MADE_BY_US:
            continue
        try:
            address = ipaddress.ip_address(known.ip.partition("%")[0])
        except ValueError:
            continue
        documentation = any(address in net for net in _DOCUMENTATION if net.version == address.version)
        if address.is_private and not (address.is_loopback or address.is_link_local or documentation):
            found.append(address)
    return [str(a) for a in sorted(found, key=lambda a: a.version)]


_DOCUMENTATION = tuple(
    ipaddress.ip_network(net) for net in ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "2001:db8::/32")
)
