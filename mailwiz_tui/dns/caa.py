"""CAA: the authorities that may issue certificates for the mail host (RFC 8659)."""

from __future__ import annotations

from urllib.parse import urlsplit

from mailwiz_tui.dns.record import HOUR, Note, Record, Section
from mailwiz_tui.dns.site import Site
from mailwiz_tui.dns.standard import Standard
from mailwiz_tui.plan.model import Tls, TlsProvider

ISSUERS = {
    "api.letsencrypt.org": "letsencrypt.org",
    "acme.zerossl.com": "sectigo.com",
    "dv.acme-v02.api.pki.goog": "pki.goog",
    "api.buypass.com": "buypass.com",
    "acme.ssl.com": "ssl.com",
}
"""ACME servers, each with the domains below it, and the name of its authority in CAA."""
ORGANISATIONS = {
    "actalis": "actalis.it",
    "amazon": "amazon.com",
    "buypass": "buypass.com",
    "d-trust": "d-trust.net",
    "digicert": "digicert.com",
    "entrust": "entrust.net",
    "geotrust": "digicert.com",
    "globalsign": "globalsign.com",
    "godaddy.com": "godaddy.com",
    "google trust services": "pki.goog",
    "harica": "harica.gr",
    "hellenic academic": "harica.gr",
    "let's encrypt": "letsencrypt.org",
    "sectigo": "sectigo.com",
    "ssl corp": "ssl.com",
    "swisssign": "swisssign.com",
    "telesec": "telesec.de",
    "zerossl": "sectigo.com",
}
"""Text in the issuer of a bought certificate, and the name of that authority in CAA."""


def acme_issuer(tls: Tls) -> str:
    """The name of the authority of the plan's ACME server; empty if it is unknown."""
    if not tls.acme_directory:
        return "letsencrypt.org"
    host = urlsplit(tls.acme_directory).hostname or ""
    below = (name for server, name in ISSUERS.items() if f".{host}".endswith(f".{server}"))
    return next(below, "")


def custom_issuer(issuer: str) -> str:
    """The name of the authority of a certificate's issuer; empty if it is unknown."""
    said = issuer.lower()
    return next((name for word, name in ORGANISATIONS.items() if word in said), "")


def _issuer(site: Site) -> str:
    tls = site.plan.security.tls
    if tls.provider is TlsProvider.LETSENCRYPT:
        return acme_issuer(tls)
    custom = site.known.custom
    if tls.provider is TlsProvider.CUSTOM and custom is not None and custom.trusted:
        return custom_issuer(custom.issuer)
    return ""


def records(site: Site) -> list[Record]:
    """Records at the host names only: at the domain they would restrict its web site too."""
    tls = site.plan.security.tls
    names = [n for n in dict.fromkeys(h.name for h in site.hosts) if n not in site.plan.all_domains()]
    issuer = _issuer(site)
    if issuer:
        values = [f'0 issue "{issuer}"', '0 issuewild ";"']
        reason = f"Allows only {issuer} to issue certificates for {{name}} (CAA, RFC 8659)."
    elif tls.provider is TlsProvider.SELFSIGNED:
        values = ['0 issue ";"']
        reason = (
            "Forbids every CA to issue a certificate for {name}, because it uses a self-signed one "
            "(CAA, RFC 8659). Remove this record before you change to Let's Encrypt."
        )
    else:
        return []
    return [
        Record(
            domain=site.zone_of(name),
            name=name,
            type="CAA",
            value=value,
            ttl=HOUR,
            reason=reason.format(name=name),
            required=False,
            section=Section.TRANSPORT,
            standard=Standard.CAA,
        )
        for name in names
        for value in values
    ]


def notes(site: Site) -> list[Note]:
    """Why there is no record."""
    tls = site.plan.security.tls
    if tls.provider is not TlsProvider.SELFSIGNED and not _issuer(site):
        return [
            Note(
                site.primary,
                "CAA",
                (
                    "Not listed: add a record that names the CA of your certificate, as the CA's "
                    "documentation describes it."
                ),
            )
        ]
    return []
