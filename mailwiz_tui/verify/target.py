"""One server as the checks see it: address, name and expected certificate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from mailwiz_tui.stack.blueprint import Port, PortTls, Scope

SMTP = 25
SUBMISSION = 587
SUBMISSIONS = 465
IMAP = 143
IMAPS = 993
SIEVE = 4190


async def _nothing_caught() -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Target:
    """A server under verification.

    ``address`` is its public address and ``others`` the further ones, ``hostname`` the name it must greet with,
    ``domain`` the primary domain and ``further_domains`` the others it has mailboxes of, ``pem`` the certificate it
    reported over SSH, ``ports`` what its blueprint listens on. ``redirect`` maps a port to the one to connect to
    instead (tests, tunnels). ``seconds`` is the time limit of each connection. ``spam_filter`` and
    ``virus_scanner`` say what looks at its mail, on this server or another. ``catches_all`` asks the server whether
    a catch-all takes every address of the primary domain.
    """

    server_id: str
    address: str
    hostname: str
    domain: str
    pem: str
    ports: tuple[Port, ...] = ()
    others: tuple[str, ...] = ()
    further_domains: tuple[str, ...] = ()
    redirect: Mapping[int, int] = field(default_factory=dict)
    seconds: float = 12.0
    spam_filter: bool = True
    virus_scanner: bool = False
    catches_all: Callable[[], Awaitable[bool]] = _nothing_caught

    def at(self, port: int) -> tuple[str, int]:
        """Where to connect for a service port."""
        return self.address, self.redirect.get(port, port)

    def offers(self, port: int) -> bool:
        """Whether a TCP port of this server is public."""
        return any(p.number == port and p.scope is Scope.PUBLIC and p.protocol == "tcp" for p in self.ports)

    def tls_ports(self) -> list[Port]:
        """The public ports that speak TLS."""
        return [p for p in self.ports if p.scope is Scope.PUBLIC and p.tls is not PortTls.NONE]
