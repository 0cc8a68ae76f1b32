"""SPF: the servers that may send mail for a domain (RFC 7208)."""

from __future__ import annotations

from mailwiz_tui.dns.record import HOUR, Note, Record, Section
from mailwiz_tui.dns.site import Site
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.plan.dnsnames import is_ip
from mailwiz_tui.plan.hosts import parse_next_hop
from mailwiz_tui.plan.model import SpfPolicy

ALL = {SpfPolicy.STRICT: "-all", SpfPolicy.SOFTFAIL: "~all", SpfPolicy.NEUTRAL: "?all"}
MEANING = {
    SpfPolicy.STRICT: "mail from any other server is forged",
    SpfPolicy.SOFTFAIL: "mail from any other server is probably forged",
    SpfPolicy.NEUTRAL: "nothing is stated about mail from any other server",
}
LOOKUP_LIMIT = 10
"""The most DNS look-ups for the evaluation of a record (RFC 7208 section 4.6.4)."""


def policy(site: Site) -> str:
    """The record's text: the MX hosts, sending hosts that are not MX hosts, the includes, and ``all``."""
    receiving = {host.name for host in site.inbound}
    extra = dict.fromkeys(host.name for host in site.outbound if host.name not in receiving)
    security = site.plan.security.spf
    terms = [
        "v=spf1",
        "mx",
        *(f"a:{name}" for name in extra),
        *smart_host_terms(site),
        *(f"include:{name}" for name in security.includes),
        ALL[security.policy],
    ]
    return " ".join(terms)


def smart_host_terms(site: Site) -> list[str]:
    """The SPF mechanism for the smart host: by address, by name or by its MX hosts.

    Providers that send from other addresses than those that accept mail document an include instead (``includes``).
    """
    if not site.plan.network.relay_host:
        return []
    hop = parse_next_hop(site.plan.network.relay_host)
    if is_ip(hop.host):
        return [f"ip6:{hop.host}" if ":" in hop.host else f"ip4:{hop.host}"]
    return [f"mx:{hop.host}", f"a:{hop.host}"] if hop.lookup_mx else [f"a:{hop.host}"]


def records(site: Site) -> list[Record]:
    """A record for each mailbox domain, and one for the name in EHLO of each sending server.

    The latter (RFC 7208 section 2.3) is for bounces, whose sender is empty.
    """
    text = policy(site)
    wanted = site.plan.security.spf.policy
    found = [
        Record(
            domain=domain,
            name=domain,
            type="TXT",
            value=text,
            ttl=HOUR,
            reason=f"Lists the servers that may send mail for {domain}; {MEANING[wanted]} (SPF, RFC 7208).",
            required=True,
            section=Section.SENDING,
            standard=Standard.SPF,
            note="A domain can have only one SPF record: merge it with an existing one.",
        )
        for domain in site.plan.mailbox_domains()
    ]
    named = {record.name for record in found}
    for name in dict.fromkeys(host.name for host in site.outbound):
        if name not in named:
            found.append(
                Record(
                    domain=site.zone_of(name),
                    name=name,
                    type="TXT",
                    value="v=spf1 a -all",
                    ttl=HOUR,
                    reason=f"States that only {name} itself may use this name in EHLO; receivers check it for "
                    "messages without a sender, such as bounces (RFC 7208 section 2.3).",
                    required=False,
                    section=Section.SENDING,
                    standard=Standard.SPF,
                )
            )
    return found


def notes(site: Site) -> list[Note]:
    """Warnings: too many look-ups, or a smart host whose addresses the record does not list."""
    found: list[Note] = []
    lookups = sum(term.startswith(("mx", "a:", "include:")) for term in policy(site).split())
    if lookups > LOOKUP_LIMIT:
        found.append(
            Note(
                site.primary,
                "SPF",
                f"The record needs {lookups} look-ups, not counting those of the included records; receivers "
                f"stop at {LOOKUP_LIMIT} and treat the record as invalid. Remove some (RFC 7208 section 4.6.4).",
            )
        )
    if site.plan.network.relay_host and not site.plan.security.spf.includes:
        found.append(
            Note(
                site.primary,
                "SPF",
                f"Mail is sent through {site.plan.network.relay_host}, which is listed. If its operator "
                "documents an SPF include, add that too: it may send from other addresses.",
            )
        )
    found.extend(
        Note(
            relay.name,
            "SPF, DKIM and DMARC",
            f"Mail for {relay.name} is only relayed to {relay.relay_host or 'its next hop'}: who sends "
            f"for {relay.name} is decided there, so its SPF, DKIM and DMARC records are not changed.",
        )
        for relay in site.plan.relay_domains()
    )
    return found
