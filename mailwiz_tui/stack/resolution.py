"""How a server resolves names: by itself or through forwarders, validating or not.

Several components depend on it: the configuration of unbound, DANE in Postfix, which needs validated answers
(RFC 7672 section 2.2), and DNS blocklists, which are asked only if the server recurses itself (through a shared
resolver they refuse to answer, by a special return code).
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from mailwiz_tui.stack.component import Context


@dataclass(frozen=True, slots=True)
class Resolution:
    """The decision. Without ``forwarders`` the server recurses from the root itself."""

    forwarders: tuple[str, ...] = ()
    validates: bool = True
    findings: tuple[str, ...] = ()

    @property
    def recurses(self) -> bool:
        """Whether unbound asks the name servers of the Internet itself."""
        return not self.forwarders

    @property
    def blocklists(self) -> bool:
        """Whether DNS blocklists can be asked."""
        return self.recurses


def resolution(context: Context) -> Resolution:
    """Recurse if the facts say that it is possible, else forward to the plan's or the host's resolvers."""
    facts = context.facts
    planned = tuple(context.plan.network.resolvers)
    own = tuple(r.address for r in facts.resolvers if _foreign(r.address))
    if facts.recursion or (facts.recursion is None and not planned):
        if facts.recursion_dnssec is False:
            return Resolution((), False, (_STRIPPED.format(who="the network"), _NO_DANE))
        return Resolution()
    forwarders = planned or own
    if not forwarders:
        return Resolution((), True, (_NOWHERE,))
    capable = {r.address for r in facts.resolvers if r.dnssec}
    measured = {r.address for r in facts.resolvers}
    blind = [address for address in forwarders if address in measured and address not in capable]
    good = tuple(address for address in forwarders if address not in blind)
    findings = [_FORWARDS.format(to=", ".join(good or forwarders))]
    silent = {r.address for r in facts.resolvers if not r.answers}
    if not good and set(forwarders) <= silent:
        return Resolution(forwarders, False, (*findings, _OWN_NAMES.format(who=", ".join(forwarders)), _NO_DANE))
    if not good:
        return Resolution(forwarders, False, (*findings, _STRIPPED.format(who=", ".join(blind)), _NO_DANE))
    if blind:
        findings.append(f"The resolver {', '.join(blind)} strips DNSSEC signatures and is not used.")
    return Resolution(good, True, tuple(findings))


def _foreign(address: str) -> bool:
    """Whether an address of a resolver is on another machine (a stub on this one is no forwarder)."""
    try:
        return not ipaddress.ip_address(address.partition("%")[0]).is_loopback
    except ValueError:
        return False


_FORWARDS = (
    "The network blocks DNS recursion, so unbound forwards to {to}. DNS blocklists are off: they do not answer "
    "shared resolvers."
)
_OWN_NAMES = (
    "{who} answers only for its own names, not for the root of the DNS: answers cannot be validated, and mail can "
    "be sent only to domains that it answers for."
)
_STRIPPED = "{who} strips DNSSEC signatures, so answers cannot be validated."
_NO_DANE = "DANE for outgoing mail (RFC 7672) is off, because it needs validated answers; TLS stays opportunistic."
_NOWHERE = (
    "The network blocks DNS recursion and no other resolver is known; "
    "set network.resolvers in the plan if names do not resolve."
)
