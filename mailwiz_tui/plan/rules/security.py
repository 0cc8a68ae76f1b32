"""DKIM, SPF and DMARC: weak settings, with the reason.

RFC 6376, RFC 8301 (key sizes), RFC 7208 (SPF), RFC 9989 to 9991 (DMARC and its reports).
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from mailwiz_tui.plan.dnsnames import MAX_LABEL, MAX_NAME, display_name, is_under
from mailwiz_tui.plan.findings import Finding, Severity
from mailwiz_tui.plan.mailnames import report_domains
from mailwiz_tui.plan.model import Antispam, DmarcPolicy, Plan, Role, SpfPolicy

SPF_LOOKUPS = 10
"""The most DNS look-ups of a receiver for one SPF record (RFC 7208 section 4.6.4)."""
_OWN_LOOKUPS = 1  # the mx mechanism of the record that is published
_SELECTOR_PART = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?")


def check(plan: Plan) -> Iterator[Finding]:
    """Findings about ``security.dkim``, ``security.spf``, ``security.dmarc`` and ``services``."""
    yield from _dkim(plan)
    yield from _selectors(plan)
    yield from _spf(plan)
    yield from _dmarc(plan)
    yield from _reports(plan)
    if plan.services.antispam is Antispam.NONE:
        yield Finding(
            "services.antispam",
            "without a spam filter all spam is delivered to the mailboxes",
            Severity.WARNING,
            "rspamd is recommended",
        )


def _dkim(plan: Plan) -> Iterator[Finding]:
    dkim = plan.security.dkim
    if not dkim.enabled:
        yield Finding(
            "security.dkim.enabled",
            "large providers reject mail without DKIM signatures, or file it as spam",
            Severity.WARNING,
            "turn it on unless another host signs",
        )
    elif dkim.key_size == 1024:
        yield Finding(
            "security.dkim.key_size",
            "a 1024-bit key can be broken at moderate cost (RFC 8301 recommends 2048)",
            Severity.WARNING,
            "use 2048",
        )
    elif dkim.key_size == 4096:
        yield Finding(
            "security.dkim.key_size",
            ("the record of a 4096-bit key needs several strings and is too long for many DNS web forms"),
            Severity.WARNING,
            "2048 is enough today",
        )


def _selectors(plan: Plan) -> Iterator[Finding]:
    """The selector of each signing server must form a valid DNS name (RFC 6376 section 3.6.2.1)."""
    if not plan.security.dkim.enabled:
        return
    signers = plan.servers_with(Role.MX_OUTBOUND)
    domain = max(plan.all_domains(), key=len)
    for server in signers:
        path = f"servers.{plan.servers.index(server)}.id"
        if len(signers) > 1 and not _SELECTOR_PART.fullmatch(server.id):
            yield Finding(
                path,
                f"{server.id} becomes part of the server's DKIM selector, which has letters, digits, "
                "dots and hyphens only",
                advice="give it another id in the inventory",
            )
        selector = plan.dkim_selector(server.id)
        if any(len(label) > MAX_LABEL for label in selector.split(".")):
            yield Finding(
                path if len(signers) > 1 else "security.dkim.selector",
                f"the selector {selector[:40]}… is longer than a part of a DNS name can be ({MAX_LABEL})",
            )
        if len(f"{selector}._domainkey.{domain}") > MAX_NAME:
            yield Finding(
                "security.dkim.selector",
                f"{selector[:40]}…._domainkey.{display_name(domain)[:40]}… is longer than "
                f"a DNS name can be ({MAX_NAME})",
            )


def _spf(plan: Plan) -> Iterator[Finding]:
    spf = plan.security.spf
    if spf.policy is SpfPolicy.NEUTRAL:
        yield Finding(
            "security.spf.policy",
            "neutral says nothing about forged senders, so the record gives no protection",
            Severity.WARNING,
            "use softfail until you know all senders, then strict",
        )
    seen: set[str] = set()
    for index, include in enumerate(spf.includes):
        path = f"security.spf.includes.{index}"
        if include in plan.all_domains():
            yield Finding(
                path,
                f"{display_name(include)} would include its own record: receivers treat this as an error",
                advice="includes are for other senders, for example your newsletter service",
            )
        if include in seen:
            yield Finding(path, f"{display_name(include)} is listed twice", Severity.WARNING)
        seen.add(include)
    lookups = _OWN_LOOKUPS + len(spf.includes)
    if lookups > SPF_LOOKUPS:
        yield Finding(
            "security.spf.includes",
            f"{len(spf.includes)} includes make more than the {SPF_LOOKUPS} look-ups that "
            "receivers allow (RFC 7208 section 4.6.4)",
            advice="remove those that no longer send for you",
        )
    elif lookups > SPF_LOOKUPS // 2:
        yield Finding(
            "security.spf.includes",
            f"{len(spf.includes)} includes leave few of the {SPF_LOOKUPS} look-ups that "
            "receivers allow, because each can include further ones",
            Severity.WARNING,
        )
    if plan.network.relay_host and spf.policy is SpfPolicy.STRICT and not spf.includes:
        yield Finding(
            "security.spf.includes",
            f"mail is sent through {plan.network.relay_host}; the record lists that host only: if it relays "
            "from other addresses, receivers reject your mail because of the strict policy",
            Severity.WARNING,
            "include your provider's SPF domain",
        )


def _dmarc(plan: Plan) -> Iterator[Finding]:
    dmarc = plan.security.dmarc
    if dmarc.policy is DmarcPolicy.NONE:
        yield Finding(
            "security.dmarc.policy",
            "the policy none only reports: forged mail is still delivered",
            Severity.WARNING,
            "read the reports for some weeks, then choose quarantine, later reject",
        )
    elif not plan.security.dkim.enabled:
        yield Finding(
            "security.dmarc.policy",
            f"without DKIM, {dmarc.policy.value} also affects your own mail when forwarded, as SPF then fails",
            Severity.WARNING,
            "turn DKIM on",
        )
    if dmarc.percentage < 100:
        yield Finding(
            "security.dmarc.percentage",
            f"RFC 9989 dropped pct: receivers that follow it apply the policy to all "
            f"mail, not to {dmarc.percentage} %",
            Severity.WARNING,
            "leave 100; to begin carefully, use the policy none",
        )


def _reports(plan: Plan) -> Iterator[Finding]:
    dmarc = plan.security.dmarc
    if not dmarc.rua:
        yield Finding(
            "security.dmarc.rua",
            ("without an address for reports you do not learn of forged mail, or of your own mail that fails"),
            Severity.WARNING,
            f"for example mailto:dmarc@{plan.domain.primary_domain}",
        )
    if dmarc.ruf:
        yield Finding(
            "security.dmarc.ruf",
            "failure reports contain parts of your users' messages, sent unencrypted by other "
            "servers; few receivers send them, and privacy law may forbid asking for them",
            Severity.WARNING,
            "leave it empty unless you need it",
        )
    for key, value in (("rua", dmarc.rua), ("ruf", dmarc.ruf)):
        for domain in report_domains(value):
            outside = [own for own in plan.all_domains() if not (is_under(domain, own) or is_under(own, domain))]
            if len(outside) == len(plan.all_domains()):
                yield Finding(
                    f"security.dmarc.{key}",
                    f"{display_name(domain)} must allow reports about other domains, or "
                    f"receivers send none (RFC 9990)",
                    Severity.WARNING,
                    f'it publishes TXT "v=DMARC1" at {outside[0]}._report._dmarc.{domain}'
                    + (" and a record like it for each domain" if len(outside) > 1 else ""),
                )
