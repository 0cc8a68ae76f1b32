"""The standards that records follow, each with what the rest of the program says and knows of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class About:
    """What there is to know of a standard beside its records.

    ``label`` names it in sentences; empty where the record's type does. ``proves`` is what a check of its records
    proves. ``single`` is where the standard says that a name has one record, for standards in TXT records, and
    ``version`` the tag by which live TXT records are known as its own, in lower case. ``unplanned``: domains that
    only the accounts have get its records too, which stand at the domain and need no certificate for its names.
    """

    label: str
    proves: str
    single: str = ""
    version: str = ""
    unplanned: bool = True


class Standard(StrEnum):
    """The standard that a record follows; its module in this folder made it. The ids of checks contain these."""

    about: About

    def __new__(cls, value: str, about: About) -> Standard:
        """A member is its text, and has what is known of it beside."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.about = about
        return member

    ADDRESS = "address", About("", "The mail host's name resolves to its addresses (A, AAAA).", unplanned=False)
    MX = "mx", About("MX", "Other servers find the mail servers of the domains (MX).")
    SPF = (
        "spf",
        About(
            "SPF",
            "Receivers find which servers send for the domains (SPF).",
            single="RFC 7208 section 3.2",
            version="v=spf1",
        ),
    )
    DKIM = (
        "dkim",
        About(
            "DKIM",
            "Receivers find the public key that verifies signatures (DKIM).",
            single="RFC 6376 section 3.6.2.2",
        ),
    )
    DMARC = (
        "dmarc",
        About(
            "DMARC", "Receivers find what to do with forged mail (DMARC).", single="RFC 9989", version="v=dmarc1"
        ),
    )
    MTA_STS = (
        "mta-sts",
        About(
            "MTA-STS",
            "Sending servers find that mail to the domains must be encrypted (MTA-STS).",
            single="RFC 8461 section 3.1",
            version="v=stsv1",
            unplanned=False,
        ),
    )
    TLS_RPT = (
        "tls-rpt",
        About(
            "TLS-RPT",
            "Sending servers find where to report failed encryption (TLS-RPT).",
            single="RFC 8460 section 3",
            version="v=tlsrptv1",
        ),
    )
    TLSA = (
        "tlsa",
        About("TLSA", "Sending servers can verify the certificate through DNS (DANE).", unplanned=False),
    )
    CAA = (
        "caa",
        About("CAA", "Only the planned authority may issue certificates for the mail host (CAA).", unplanned=False),
    )
    SRV = "srv", About("SRV", "Mail programs find the servers from an address (SRV).")
    AUTOCONFIG = (
        "autoconfig",
        About(
            "autoconfig",
            "Mail programs find the server's settings (autoconfig, autodiscover).",
            unplanned=False,
        ),
    )
    PTR = (
        "ptr",
        About("the reverse name", "The server's addresses resolve to its name (reverse DNS).", unplanned=False),
    )
