"""DMARC: the policy for forged mail, and the addresses for reports (RFC 9989, RFC 9990, RFC 9991)."""

from __future__ import annotations

from mailwiz_tui.dns.record import HOUR, Note, Record, Section
from mailwiz_tui.dns.site import Site
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.plan.mailnames import report_domains
from mailwiz_tui.plan.model import DmarcPolicy

MEANING = {
    DmarcPolicy.NONE: "deliver it and only report",
    DmarcPolicy.QUARANTINE: "treat it as spam",
    DmarcPolicy.REJECT: "reject it",
}


def policy(site: Site) -> str:
    """The record's text.

    ``sp`` is for subdomains, ``np`` for names that do not exist and therefore never send. ``pct`` is written only
    for a percentage below 100: RFC 9989 has dropped it, older receivers still use it.
    """
    wanted = site.plan.security.dmarc
    tags = [
        "v=DMARC1",
        f"p={wanted.policy}",
        f"sp={wanted.policy}",
        f"np={DmarcPolicy.NONE if wanted.policy is DmarcPolicy.NONE else DmarcPolicy.REJECT}",
    ]
    if wanted.percentage < 100:
        tags.append(f"pct={wanted.percentage}")
    if wanted.rua:
        tags.append(f"rua={wanted.rua}")
    if wanted.ruf:
        tags.extend([f"ruf={wanted.ruf}", "fo=1"])
    return "; ".join(tags)


def records(site: Site) -> list[Record]:
    """A policy for each mailbox domain, and permissions for reports to another domain."""
    wanted = site.plan.security.dmarc
    found = [
        Record(
            domain=domain,
            name=f"_dmarc.{domain}",
            type="TXT",
            value=policy(site),
            ttl=HOUR,
            reason=f"Tells receivers what to do with mail that claims to be from {domain} and fails SPF and DKIM: "
            f"{MEANING[wanted.policy]} (DMARC, RFC 9989).",
            required=True,
            section=Section.SENDING,
            standard=Standard.DMARC,
            note=_legacy(site),
        )
        for domain in site.plan.mailbox_domains()
    ]
    return found + _authorisations(site)


def notes(site: Site) -> list[Note]:
    """Warnings about a percentage, failure reports, and a policy without effect."""
    wanted = site.plan.security.dmarc
    found: list[Note] = []
    if wanted.percentage < 100:
        found.append(Note(site.primary, "DMARC", _legacy(site)))
    if wanted.ruf:
        found.append(
            Note(
                site.primary,
                "DMARC",
                "Failure reports (ruf) can send parts of private messages to this address; few "
                "receivers send them (RFC 9991).",
            )
        )
    if wanted.policy is DmarcPolicy.NONE:
        found.append(
            Note(
                site.primary,
                "DMARC",
                (
                    "The policy none only reports: change it to quarantine when reports show that your "
                    "own mail passes."
                ),
            )
        )
    return found


def _legacy(site: Site) -> str:
    percentage = site.plan.security.dmarc.percentage
    if percentage >= 100:
        return ""
    return f"pct={percentage} was dropped by RFC 9989: receivers that follow it apply the policy to all mail."


def _authorisations(site: Site) -> list[Record]:
    """RFC 9990: a domain must permit reports about another domain to its addresses."""
    wanted = site.plan.security.dmarc
    found: dict[str, Record] = {}
    for target in dict.fromkeys([*report_domains(wanted.rua), *report_domains(wanted.ruf)]):
        for domain in site.plan.mailbox_domains():
            if _same_organisation(target, domain):
                continue
            ours = any(_same_organisation(target, d) for d in site.plan.all_domains())
            name = f"{domain}._report._dmarc.{target}"
            found[name] = Record(
                domain=site.zone_of(target) if ours else target,
                name=name,
                type="TXT",
                value="v=DMARC1",
                ttl=HOUR,
                reason=f"Allows receivers to send reports about {domain} to an address in {target}; without "
                "it they must not (RFC 9990, external destinations).",
                required=False,
                section=Section.SENDING,
                standard=Standard.DMARC,
                note="" if ours else f"The administrator of {target} must publish it.",
            )
    return list(found.values())


def _same_organisation(one: str, other: str) -> bool:
    return one == other or one.endswith(f".{other}") or other.endswith(f".{one}")
