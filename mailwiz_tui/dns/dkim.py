"""DKIM: the public keys for the signatures of outgoing mail (RFC 6376, RFC 8301)."""

from __future__ import annotations

from mailwiz_tui.dns.record import HOUR, Note, Record, Section
from mailwiz_tui.dns.site import Site
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.fleet.facts import DkimPublicKey
from mailwiz_tui.topology.servers import signers

PENDING = "key not known yet: prepare generates it"


def text(key: DkimPublicKey) -> str:
    """The key record's text (RFC 6376 section 3.6.1)."""
    return f"v=DKIM1; k={key.algorithm}; p={key.public_key}"


def records(site: Site) -> list[Record]:
    """One record for each signing server's selector and mailbox domain; pending if the key is unknown."""
    found: list[Record] = []
    for domain in site.plan.mailbox_domains():
        for server in signers(site.plan):
            selector = site.plan.dkim_selector(server.id)
            known = site.known.servers.get(server.id)
            key = next((k for k in known.dkim if k.selector == selector), None) if known else None
            found.append(
                Record(
                    domain=domain,
                    name=f"{selector}._domainkey.{domain}",
                    type="TXT",
                    value=text(key) if key else "",
                    ttl=HOUR,
                    reason=f"Public key with which receivers verify the signature of mail from {domain}; "
                    "the private key was generated on the server and stays there (DKIM, RFC 6376).",
                    required=True,
                    section=Section.SENDING,
                    standard=Standard.DKIM,
                    pending="" if key else PENDING,
                    note="Longer than 255 bytes: one record of several strings, which receivers join."
                    if key and len(text(key)) > 255
                    else "",
                )
            )
    return found


def notes(site: Site) -> list[Note]:
    """Notes: no record, or a weak key."""
    dkim = site.plan.security.dkim
    if not dkim.enabled:
        return [
            Note(
                site.primary,
                "DKIM",
                "DKIM signing is off in the plan: large providers reject unsigned mail or file it as spam.",
            )
        ]
    if dkim.key_size < 2048:
        return [
            Note(
                site.primary,
                "DKIM",
                f"A key of {dkim.key_size} bits can be broken; use 2048 (RFC 8301 section 3.2).",
            )
        ]
    return []
