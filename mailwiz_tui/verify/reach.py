"""Whether the server's second address, mostly the IPv6 one, is served like the first."""

from __future__ import annotations

import errno
import socket
from functools import partial

from mailwiz_tui.verify.check import Check, Failed, NotRun, plain
from mailwiz_tui.verify.target import Target

NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def checks(target: Target) -> list[Check]:
    """One check for each further address; the first is what all other checks use."""
    return [
        Check(
            f"reach.{'ipv6' if ':' in address else 'ipv4'}",
            f"Every public port answers on {address} too.",
            partial(check_reached, target, address),
            "Other mail servers prefer IPv6: open the ports there, or take the AAAA record away.",
        )
        for address in target.others
    ]


def check_reached(target: Target, address: str) -> str:
    """Connect to each public TLS port, twice if need be: a busy path may lose the first try.

    Raises ``NotRun`` where this machine has no way to the address at all.
    """
    ports = [port.number for port in target.tls_ports()]
    closed = {number: fault for number in ports if (fault := _knock(target, address, number))}
    closed = {number: fault for number in closed if (fault := _knock(target, address, number))}
    if closed:
        named = "; ".join(f"{number} ({fault})" for number, fault in closed.items())
        raise Failed(f"expected ports {', '.join(map(str, ports))} on {address} to answer, closed: {named}")
    return f"{len(ports)} ports answer"


def _knock(target: Target, address: str, number: int) -> str:
    """Why the port does not answer; empty where it does."""
    place = (address, target.redirect.get(number, number))
    try:
        with socket.create_connection(place, timeout=target.seconds / 3):
            return ""
    except OSError as error:
        if error.errno in NO_ROUTE:
            raise NotRun(f"this machine has no route to {address}") from error
        return plain(error)
