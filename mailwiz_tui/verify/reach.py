"""Whether every public port answers on the server's further addresses, usually IPv6."""

from __future__ import annotations

import errno
import socket
from functools import partial

from mailwiz_tui.verify.check import Check, Failed, NotRun, plain
from mailwiz_tui.verify.target import Target

NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)


def checks(target: Target) -> list[Check]:
    """One check for each further address; all other checks use the first."""
    return [
        Check(
            f"reach.{'ipv6' if ':' in address else 'ipv4'}",
            f"Every public port answers on {address}, too.",
            partial(check_reached, target, address),
            "Other mail servers prefer IPv6: open the ports there, or remove the AAAA record.",
        )
        for address in target.others
    ]


def check_reached(target: Target, address: str) -> str:
    """Connect to each public TLS port, twice if needed: a busy path may lose the first try.

    Raises ``NotRun`` if this machine has no route to the address.
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
