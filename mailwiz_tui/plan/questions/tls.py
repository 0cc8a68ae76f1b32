"""The questions of step 4 about the certificate."""

from __future__ import annotations

from mailwiz_tui.plan.spec import Choice, FieldKind, FieldSpec, ShownWhen

_ACME = (ShownWhen("security.tls.provider", ("letsencrypt",)),)
_CUSTOM = (ShownWhen("security.tls.provider", ("custom",)),)

TLS = (
    FieldSpec(
        path="security.tls.provider",
        label="Certificate",
        help="Let's Encrypt for public names; self-signed for tests and the lab.",
        kind=FieldKind.CHOICE,
        choices=(
            Choice(
                "letsencrypt",
                "Let's Encrypt",
                "Free, trusted by all programs, renewed automatically (ACME, RFC 8555).",
                "Before a certificate is issued, the mail host name must point to this server (to every "
                "server with mx-outbound) in the DNS and port 80 must be reachable. Until then a "
                "self-signed certificate is used; another installation then requests the real one.",
            ),
            Choice(
                "custom",
                "Own files",
                "A certificate and key that you provide and renew yourself.",
                "For a certificate from your company's CA, or one that you buy. It must contain the "
                "mail host name. Before it expires, put new files in the same place and install "
                "again.",
            ),
            Choice(
                "selfsigned",
                "Self-signed",
                "Made on the server; mail programs warn about it. For tests.",
                "Mail between servers is still encrypted, but mail programs show a warning, and users "
                "who get used to ignoring warnings do not notice an attack. MTA-STS cannot be used "
                "with it.",
            ),
        ),
        example="letsencrypt",
        why=(
            "TLS 1.2 or newer is used on every port. Most other servers accept any certificate, so an "
            "attacker between two servers could present their own. Two standards prevent this. "
            "MTA-STS (RFC 8461) publishes over HTTPS which hosts receive your mail and that they have "
            "a public certificate: it needs Let's Encrypt or a bought certificate. DANE (RFC 7672) "
            "publishes the right certificate in the DNS (a TLSA record): it needs a domain signed "
            "with DNSSEC, which your DNS provider must offer; without DNSSEC the record is ignored. "
            "Both can be used together; step 7 has their records."
        ),
    ),
    FieldSpec(
        path="security.tls.acme_email",
        label="Contact for the CA",
        help="Address that the CA writes to; empty: postmaster of the primary domain.",
        example="admin@example.net",
        why="Best is an address that still works when this server does not.",
        shown_when=_ACME,
    ),
    FieldSpec(
        path="security.tls.acme_directory",
        label="Other ACME server",
        help="Directory URL of a staging or private CA. Leave empty for Let's Encrypt.",
        example="https://ca.example.net/acme/directory",
        why="The staging server of Let's Encrypt has higher rate limits and is meant for tests.",
        shown_when=_ACME,
    ),
    FieldSpec(
        path="security.tls.acme_ca_file",
        label="CA of that server",
        help="CA file to verify a private ACME server with (PEM).",
        example="certs/acme-ca.pem",
        shown_when=_ACME,
    ),
    FieldSpec(
        path="security.tls.acme_dns_server",
        label="DNS-01 server",
        help="Primary DNS server of the zones, if port 80 is closed. Otherwise empty.",
        example="192.0.2.53",
        why=(
            "With DNS-01 (RFC 8555 section 8.4) the server proves a name by a DNS record, which it "
            "adds to the zone by dynamic update (RFC 2136), and not by a file on port 80. The names "
            "need not point to this server yet."
        ),
        shown_when=_ACME,
    ),
    FieldSpec(
        path="security.tls.acme_dns_key",
        label="TSIG key name",
        help="[ALGORITHM:]NAME of the TSIG key; its secret is asked for later.",
        example="hmac-sha256:mail-acme",
        why=(
            "The secret is copied to the server that renews the certificate and stored only there. "
            "Allow the key to change only _acme-challenge names, if your DNS server can restrict it."
        ),
        shown_when=(*_ACME, ShownWhen("security.tls.acme_dns_server", ())),
    ),
    FieldSpec(
        path="security.tls.certificate",
        label="Certificate file",
        help="PEM: the certificate, then the intermediates. Path relative to the plan.",
        example="certs/fullchain.pem",
        shown_when=_CUSTOM,
    ),
    FieldSpec(
        path="security.tls.private_key",
        label="Key file",
        help="PEM, without a passphrase; sent only to servers that use it.",
        example="certs/privkey.pem",
        shown_when=_CUSTOM,
    ),
)
