"""Step 4: encryption, and proofs that mail is from whom it says."""

from __future__ import annotations

from mailwiz_tui.plan.spec import Choice, FieldKind, FieldSpec, ShownWhen, StepSpec

_ACME = (ShownWhen("security.tls.provider", ("letsencrypt",)),)
_CUSTOM = (ShownWhen("security.tls.provider", ("custom",)),)
_DKIM = (ShownWhen("security.dkim.enabled", (True,)),)

_TLS = (
    FieldSpec(
        path="security.tls.provider",
        label="Certificate",
        help="Let's Encrypt for public names; self-signed for rehearsals and the lab.",
        kind=FieldKind.CHOICE,
        choices=(
            Choice(
                "letsencrypt",
                "Let's Encrypt",
                "Free, trusted by every program, renewed by itself (ACME, RFC 8555).",
            ),
            Choice("custom", "Own files", "A certificate and key that you bring and renew yourself."),
            Choice("selfsigned", "Self-signed", "Made on the server; programs warn of it. For rehearsals."),
        ),
        example="letsencrypt",
        why=(
            "TLS 1.2 or newer is used on every port. Other servers encrypt to any certificate; people's programs "
            "do not."
        ),
    ),
    FieldSpec(
        path="security.tls.acme_email",
        label="Contact for the CA",
        help="Where the CA may write to; empty means postmaster of the primary domain.",
        example="admin@example.net",
        why="An address that still works when this server does not is best.",
        shown_when=_ACME,
    ),
    FieldSpec(
        path="security.tls.acme_directory",
        label="Other ACME server",
        help="Only for a staging or a private CA: its directory URL. Else empty.",
        example="https://acme-staging-v02.api.letsencrypt.org/directory",
        why="The staging server of Let's Encrypt has no strict limits and is made for trying out.",
        shown_when=_ACME,
    ),
    FieldSpec(
        path="security.tls.acme_ca_file",
        label="CA of that server",
        help="Only for a private ACME server: the CA file that vouches for it.",
        example="certs/acme-ca.pem",
        shown_when=_ACME,
    ),
    FieldSpec(
        path="security.tls.certificate",
        label="Certificate file",
        help="PEM: the certificate, then the intermediate ones. Relative to the plan.",
        example="certs/fullchain.pem",
        shown_when=_CUSTOM,
    ),
    FieldSpec(
        path="security.tls.private_key",
        label="Key file",
        help="PEM, without a passphrase; sent only to the servers that serve it.",
        example="certs/privkey.pem",
        shown_when=_CUSTOM,
    ),
)

_DKIM_FIELDS = (
    FieldSpec(
        path="security.dkim.enabled",
        label="DKIM signatures",
        help="Signs every mail you send, so that receivers can see it was not changed.",
        kind=FieldKind.BOOL,
        example="yes",
        why=(
            "Large providers refuse unsigned mail. The private key is made on the server and never leaves it (RFC "
            "6376)."
        ),
    ),
    FieldSpec(
        path="security.dkim.selector",
        label="Selector",
        help="A short name for the key, in the DNS before ._domainkey; best with a year.",
        example="2026a",
        why=(
            "A new key gets a new selector, so old mail can still be checked with the old one (RFC 6376 section "
            "3.1)."
        ),
        shown_when=_DKIM,
    ),
    FieldSpec(
        path="security.dkim.key_size",
        label="Key size",
        help="2048 bits; 1024 is too weak today, 4096 makes a very long DNS record.",
        kind=FieldKind.CHOICE,
        choices=(
            Choice(1024, "1024", "Too weak today (RFC 8301); only for DNS services that take no longer record."),
            Choice(2048, "2048", "Strong enough, and every receiver checks it."),
            Choice(4096, "4096", "Needs a record of several strings, which not every DNS service takes."),
        ),
        example="2048",
        shown_when=_DKIM,
    ),
)

_SPF = (
    FieldSpec(
        path="security.spf.policy",
        label="SPF policy",
        help="What receivers shall think of mail from servers that are not yours.",
        kind=FieldKind.CHOICE,
        choices=(
            Choice("strict", "strict", "-all: refuse it. Right when only these servers send for you."),
            Choice("softfail", "softfail", "~all: be suspicious. While you are not sure who else sends."),
            Choice("neutral", "neutral", "?all: no opinion. Protects nobody."),
        ),
        example="strict",
        why="SPF lists in the DNS who may send for a domain (RFC 7208).",
    ),
    FieldSpec(
        path="security.spf.includes",
        label="Others who send",
        help="SPF names of services that send for you, like a newsletter's. Mostly empty.",
        kind=FieldKind.LIST,
        example="_spf.newsletter.example",
        why="Each include costs at least one of ten DNS look-ups that receivers make (RFC 7208 section 4.6.4).",
    ),
)

_DMARC = (
    FieldSpec(
        path="security.dmarc.policy",
        label="DMARC policy",
        help="What receivers shall do with mail that only pretends to be yours.",
        kind=FieldKind.CHOICE,
        choices=(
            Choice("none", "none", "Deliver it and report. To begin with, where others may send for you."),
            Choice("quarantine", "quarantine", "File it as spam. A good middle."),
            Choice("reject", "reject", "Refuse it. When the reports show that all your mail passes."),
        ),
        example="quarantine",
        why="DMARC binds SPF and DKIM to the address people see in From (RFC 9989).",
    ),
    FieldSpec(
        path="security.dmarc.rua",
        label="Reports to",
        help="Daily summaries of who sent in your name; your own dmarc@ is fine.",
        example="mailto:dmarc@example.com",
        why="An address in another domain has to allow it there by a DNS record (RFC 9990).",
    ),
    FieldSpec(
        path="security.dmarc.ruf",
        label="Failure reports to",
        help="Copies of single failed mails. Leave empty: privacy, and few send them.",
        example="",
        why="Failure reports hold parts of real mails of real people (RFC 9991).",
    ),
    FieldSpec(
        path="security.dmarc.percentage",
        label="Percentage",
        help="Leave 100: the newer DMARC (RFC 9989) no longer knows this tag.",
        kind=FieldKind.INT,
        example="100",
        why="Receivers that follow RFC 9989 ignore pct; to begin carefully, use the policy none.",
        shown_when=(ShownWhen("security.dmarc.policy", ("quarantine", "reject")),),
    ),
)

STEP = StepSpec(
    id="security",
    number=4,
    title="Security",
    summary="Encryption, and proofs that mail is from whom it says.",
    help=(
        "Three records in the DNS protect your name. SPF lists the servers that may send for you. DKIM is a "
        "signature "
        "on each mail, whose public key is in the DNS. DMARC says what to do with mail that fails both, and where "
        "reports go. Mail without them ends in spam folders.\n\n"
        "The certificate lets programs and other servers encrypt. Let's Encrypt needs the mail host name in the "
        "public "
        "DNS and port 80 reachable. A self-signed certificate is for rehearsals: programs warn of it, and MTA-STS "
        "(RFC 8461) cannot be used with it.\n\n"
        "Keys are made on the servers and never leave them."
    ),
    fields=(*_TLS, *_DKIM_FIELDS, *_SPF, *_DMARC),
    owns=("security",),
    depends_on=("domain.primary_domain", "domain.hostname", "domain.additional_domains"),
)
