"""Domains and the mail host name: no duplicates, no loops, names that can work in the DNS."""

from __future__ import annotations

from collections.abc import Iterator

from mailwiz_tui.plan.dnsnames import display_name, is_under
from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.hosts import NextHop, parse_next_hop
from mailwiz_tui.plan.model import DomainKind, Plan

HOST_NAME_MAX = 64
PRIVATE_ENDINGS = (
    "test", "example", "invalid", "localhost", "local", "internal", "lan", "home.arpa", "onion", "alt",
    "example.com", "example.net", "example.org",
)  # fmt: skip


def check(plan: Plan) -> Iterator[Finding]:
    """Findings about ``domain`` and the next hops."""
    yield from _hostname(plan)
    yield from _duplicates(plan)
    yield from _relays(plan)
    yield from _network(plan)


def private_ending(name: str) -> str:
    """The special-use ending of a name that the public DNS does not serve (RFC 6761), or empty."""
    return next((ending for ending in PRIVATE_ENDINGS if is_under(name, ending)), "")


def _hostname(plan: Plan) -> Iterator[Finding]:
    path, name = "domain.hostname", plan.domain.hostname
    shown = display_name(name)
    if len(name) > HOST_NAME_MAX:
        yield Finding(path, f"has {len(name)} characters; Linux host names have at most {HOST_NAME_MAX}")
    if name in plan.all_domains():
        yield Finding(
            path,
            f"{shown} is itself a mail domain, so its website and its mail must be on one server",
            Severity.WARNING,
            f"use a name below it, for example mail.{shown}",
        )
    elif not any(is_under(name, domain) for domain in plan.all_domains()):
        yield Finding(
            path,
            f"{shown} is not below any domain of the plan, so its address must be published in another zone",
            Severity.WARNING,
            f"the usual name is mail.{display_name(plan.domain.primary_domain)}",
        )
    if name.split(".")[0] in ("mta-sts", "autoconfig", "autodiscover"):
        yield Finding(
            path, f"{name.split('.')[0]}.… is the name of a web service of mail domains, not of a mail host"
        )


def _duplicates(plan: Plan) -> Iterator[Finding]:
    seen = {plan.domain.primary_domain: "the primary domain"}
    for index, extra in enumerate(plan.domain.additional_domains):
        if extra.name in seen:
            yield Finding(
                f"domain.additional_domains.{index}.name",
                f"{display_name(extra.name)} is already {seen[extra.name]}",
                advice="list each domain once",
            )
        seen.setdefault(extra.name, f"additional domain {index + 1}")


def _relays(plan: Plan) -> Iterator[Finding]:
    for index, extra in enumerate(plan.domain.additional_domains):
        path = f"domain.additional_domains.{index}.relay_host"
        shown = display_name(extra.name)
        if extra.kind is DomainKind.MAILBOX:
            if extra.relay_host:
                yield Finding(
                    path,
                    f"{shown} is a mailbox domain, so no mail is relayed to {extra.relay_host}",
                    advice='remove relay_host, or write kind = "relay"',
                )
            continue
        if not extra.relay_host:
            yield Finding(
                path,
                f"{shown} is a relay domain without a next hop",
                advice=("enter the host that its mail is relayed to, for example mail.internal.example.org"),
            )
            continue
        hop = parse_next_hop(extra.relay_host)
        if hop.lookup_mx and hop.host == extra.name:
            yield Finding(
                path,
                f"the MX records of {shown} point to this server: a mail loop",
                advice=f"enter a host in brackets, for example [mail.internal.{shown}]",
            )
        elif _is_here(plan, hop):
            yield Finding(
                path,
                f"{extra.relay_host} is this mail server itself: a mail loop",
                advice=("enter the host that stores the mailboxes"),
            )


def _network(plan: Plan) -> Iterator[Finding]:
    if plan.network.relay_host and _is_here(plan, parse_next_hop(plan.network.relay_host)):
        yield Finding(
            "network.relay_host",
            f"{plan.network.relay_host} is this mail server itself: a mail loop",
            advice="enter your provider's smart host, or leave the field empty",
        )
    if plan.network.relay_user and not plan.network.relay_host:
        yield Finding(
            "network.relay_user",
            "is used only with a smart host, and network.relay_host is empty",
            advice="set network.relay_host too, or leave this field empty",
        )
    seen: set[str] = set()
    for index, resolver in enumerate(plan.network.resolvers):
        path = f"network.resolvers.{index}"
        if resolver.startswith("127.") or resolver == "::1":
            yield Finding(
                path,
                f"{resolver} is the server itself: its resolver would forward to itself",
                advice="enter a DNS server of your network, or leave the list empty",
            )
        if resolver in seen:
            yield Finding(path, f"{resolver} is listed twice", Severity.WARNING)
        seen.add(resolver)


def _is_here(plan: Plan, hop: NextHop) -> bool:
    """Whether a next hop is the mail host of this plan."""
    return hop.host in {plan.domain.hostname, plan.cluster.virtual_ip, plan.cluster.virtual_ipv6} - {""}
