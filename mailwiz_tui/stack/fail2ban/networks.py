# Managed by mailwiz-tui: the next apply writes this file again. Own settings: there are none to make here.
"""fail2ban counts and bans an IPv6 client by its /64, the least that a provider gives one customer (RFC 6177).

fail2ban 1.0 and 1.1 read a prefix length only from the text of a log line (``<CIDR>`` in a failregex), and no
mail server writes one. This action, which bans nothing itself (action.d in jail.conf(5)), works between a jail's
filter and its counters: it replaces the address of each failure by its network. An address stays single if the
network would contain the server itself or an address that the jail ignores; so ``ignoreip`` is compared with single
addresses as before, and no exempt client is banned with a neighbour.

Standard library only: fail2ban loads this file into its own process, with Python 3.11 or 3.13.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import Any

LENGTH = 64
INTERFACES = "/proc/net/if_inet6"
"""The server's own addresses, one a line, in 32 hexadecimal digits (proc_net(5))."""

Address = ipaddress.IPv6Address
Network = ipaddress.IPv6Network


def network_of(address: str, exempt: list[Network]) -> Network | None:
    """The network to count for an address; None if the address counts alone.

    ``exempt``: networks, of single addresses too, that must not be banned with a neighbour.
    """
    try:
        single = Address(address)
    except ValueError:
        return None
    around = Network((single, LENGTH), strict=False)
    return None if any(around.overlaps(other) for other in exempt) else around


def own_networks(path: str = INTERFACES) -> list[Network]:
    """The server's own IPv6 addresses; none without IPv6."""
    try:
        with open(path, encoding="ascii") as lines:
            return [Network(Address(bytes.fromhex(line.split()[0]))) for line in lines]
    except (OSError, ValueError, IndexError):
        return []


def ignored_networks(entries: list[Any]) -> list[Network]:
    """The IPv6 addresses and networks in a jail's ``ignoreip``; names are skipped."""
    found = []
    for entry in entries:
        try:
            network = ipaddress.ip_network(str(entry), strict=False)
        except ValueError:
            continue
        if isinstance(network, Network):
            found.append(network)
    return found


class Action:
    """The action that fail2ban creates for each jail, with the methods of its ``ActionBase``."""

    def __init__(self, jail: Any, name: str, **_options: Any) -> None:
        """Called when the jail is set up, before it reads a line."""
        self._name = name
        log_filter = jail.filter
        found: Callable[..., list[list[Any]]] = log_filter.findFailure

        def find_failure(*args: Any, **options: Any) -> list[list[Any]]:
            """Each failure as (number of the failregex, address to count, time, details)."""
            return [[row[0], self._counted(log_filter, row[1]), *row[2:]] for row in found(*args, **options)]

        log_filter.findFailure = find_failure

    @staticmethod
    def _counted(log_filter: Any, who: Any) -> Any:
        """A fail2ban IPAddr: the network if ``who`` is an IPv6 address, else ``who``."""
        if who is None or not getattr(who, "isIPv6", False):
            return who
        exempt = own_networks() + ignored_networks(log_filter.getIgnoreIP())
        network = network_of(str(who), exempt)
        return who if network is None else type(who)(str(network.network_address), LENGTH)

    def start(self) -> None:
        """Nothing to set up: the other action changes the firewall."""

    def stop(self) -> None:
        """Nothing to remove."""

    def ban(self, info: Any) -> None:
        """Nothing: the jail's other action bans."""

    def reban(self, info: Any) -> None:
        """Nothing: the jail's other action bans again."""

    def unban(self, info: Any) -> None:
        """Nothing: the jail's other action lifts the ban."""
