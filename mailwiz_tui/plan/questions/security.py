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
                "The mail host's name must lead to this server in the DNS and port 80 must be reachable before a "
                "certificate is issued. Until then a self-signed one serves, and installing again gets the real "
                "one.",
            ),
            Choice(
                "custom",
                "Own files",
                "A certificate and key that you bring and renew yourself.",
                "For an authority of your company, or a certificate that you buy. It must hold the mail host's "
                "name; when it ends, put new files in the same place and install again.",
            ),
            Choice(
                "selfsigned",
                "Self-signed",
                "Made on the server; programs warn of it. For rehearsals.",
                "Mail between servers is encrypted all the same, but people's programs show a warning, and who "
                "learns to click warnings away is easily deceived. MTA-STS cannot be used with it.",
            ),
        ),
        example="letsencrypt",
        why=(
            "TLS 1.2 or newer is used on every port. Most other servers encrypt to any certificate, so that an "
            "attacker in between could show his own. Two standards close that gap. MTA-STS (RFC 8461) says over "
            "HTTPS which hosts have your mail and that they have a public certificate: it needs Let's Encrypt or a "
            "bought one. DANE (RFC 7672) says in the DNS which certificate is the right one (a TLSA record): it "
            "needs a domain signed with DNSSEC, which your DNS provider must offer; without it the record is "
            "ignored. Both may be used together, and step 7 has their records."
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
        example="https://ca.example.net/acme/directory",
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
        path="security.tls.acme_dns_server",
        label="Proof by DNS at",
        help="Where port 80 is closed: the zones' primary server for updates. Else empty.",
        example="192.0.2.53",
        why=(
            "A name is proved by a record (DNS-01, RFC 8555 section 8.4) that the server puts into the zone by "
            "dynamic update (RFC 2136), instead of a file on port 80. The names need not lead to this server yet."
        ),
        shown_when=_ACME,
    ),
    FieldSpec(
        path="security.tls.acme_dns_key",
        label="Its key's name",
        help="[ALGORITHM:]NAME of the TSIG key; its secret is asked for later.",
        example="hmac-sha256:mail-acme",
        why=(
            "The secret goes to the server that renews the certificate and is kept there alone. Let the key change "
            "_acme-challenge names only, if your name server can tell them apart."
        ),
        shown_when=(*_ACME, ShownWhen("security.tls.acme_dns_server", ())),
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
            "The server signs each mail with a private key; the public key stands in your DNS. A receiver can so "
            "tell that the mail comes from your domain and that nobody changed it on the way, even when it was "
            "forwarded. Large providers refuse unsigned mail. The private key is made on the server and never "
            "leaves it (RFC 6376)."
        ),
    ),
    FieldSpec(
        path="security.dkim.selector",
        label="Selector",
        help="A short name for the key, in the DNS before ._domainkey; best with a year.",
        example="2026a",
        why=(
            "A selector tells one key of your domain from another: with the selector 2026a the public key stands "
            "at 2026a._domainkey.example.com, and each signature names it. To change keys (once a year is usual) "
            "you choose a new selector, publish its record and install; mail that is still on its way can be "
            "checked with the old record, which you remove some weeks later (RFC 6376 section 3.1)."
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
        why=(
            "A longer key is harder to break, and its record is longer. 2048 bits need two strings in one TXT "
            "record, which the zone file of step 7 already has; some web forms want them joined. 1024-bit keys can "
            "be broken by those who have money for it (RFC 8301 section 3.2)."
        ),
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
            Choice(
                "strict",
                "strict",
                "-all: refuse it. Right when only these servers send for you.",
                "Whoever is not on the list fails, plainly. Right when you know everybody who sends in your name: "
                "this server, and the services that you name below. A mail that is forwarded by others fails as "
                "well; its DKIM signature then saves it, which is why both are used.",
            ),
            Choice(
                "softfail",
                "softfail",
                "~all: be suspicious. While you are not sure who else sends.",
                "Whoever is not on the list is suspect, but hardly refused for that alone. Good for the weeks in "
                "which DMARC reports tell you who else sends: a shop, a newsletter, a printer that mails scans.",
            ),
            Choice(
                "neutral",
                "neutral",
                "?all: no opinion. Protects nobody.",
                "Says of whoever is not on the list: I do not know. Forgers pass as well as you do.",
            ),
        ),
        example="strict",
        why=(
            "SPF is one TXT record that lists the servers that may send mail for a domain; receivers compare it "
            "with the server that stands before them (RFC 7208). It looks at the address that bounces go to, not "
            "at the From that people see: only DMARC binds the two."
        ),
    ),
    FieldSpec(
        path="security.spf.includes",
        label="Others who send",
        help="SPF names of services that send for you, like a newsletter's. Mostly empty.",
        kind=FieldKind.LIST,
        example="_spf.newsletter.example",
        why=(
            "A newsletter service or an office suite that sends in your name tells you such a name. Each costs at "
            "least one of the ten DNS look-ups that receivers make; with more, SPF fails as a whole (RFC 7208 "
            "section 4.6.4)."
        ),
    ),
)

_DMARC = (
    FieldSpec(
        path="security.dmarc.policy",
        label="DMARC policy",
        help="What receivers shall do with mail that only pretends to be yours.",
        kind=FieldKind.CHOICE,
        choices=(
            Choice(
                "none",
                "none",
                "Deliver it and report. To begin with, where others may send for you.",
                "Forged mail is delivered as if there were no DMARC; you only get reports of it. Use it for some "
                "weeks while you find out who sends in your name, then go on to quarantine.",
            ),
            Choice(
                "quarantine",
                "quarantine",
                "File it as spam. A good middle.",
                "Mail that says it is from you, but has neither a valid DKIM signature of your domain nor comes "
                "from a server in your SPF record, goes to the receiver's spam folder. Forgeries do little harm, "
                "and a mail of yours that was forgotten somewhere is not lost: it can be found there.",
            ),
            Choice(
                "reject",
                "reject",
                "Refuse it. When the reports show that all your mail passes.",
                "Such mail is not accepted at all. The best protection against fraud in your name, but a forgotten "
                "sender's mail is lost, and some mailing lists break. Go here when the reports stay clean.",
            ),
        ),
        example="quarantine",
        why=(
            "SPF and DKIM each prove a domain, but not the one that people see in From. DMARC asks that one of "
            "them holds for that very domain, and says what to do if not (RFC 9989). It protects those who get "
            "mail in your name: customers, banks, your own staff. This server obeys others' policies too."
        ),
    ),
    FieldSpec(
        path="security.dmarc.rua",
        label="Reports to",
        help="Daily summaries of who sent in your name; your own dmarc@ is fine.",
        example="mailto:dmarc@example.com",
        why=(
            "Large receivers send one report a day: which servers sent mail with your domain in From, how much, "
            "and whether SPF and DKIM held. That is how you learn of a forgotten newsletter service, or of a "
            "forger. The files are XML; free and paid services read them for you. An address in another domain has "
            "to allow it there by a DNS record (RFC 9990)."
        ),
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
    FieldSpec(
        path="security.dmarc.send_reports",
        label="Send reports",
        help="Tells other domains each day who sent in their name to this server.",
        kind=FieldKind.BOOL,
        example="yes",
        why=(
            "The other half of DMARC: domains that ask for reports get one a day from postmaster@ of the primary "
            "domain, with addresses of servers, counts and results, and nothing of any mail (RFC 9990). Only "
            "Rspamd can do so."
        ),
        shown_when=(ShownWhen("services.antispam", ("rspamd",)),),
    ),
)

_SENDERS = (
    FieldSpec(
        path="security.allow_foreign_from",
        label="Foreign From",
        help="Users may write under addresses of domains that are not served here.",
        kind=FieldKind.BOOL,
        example="no",
        why=(
            "A login may write under its own mailbox and aliases; every other From is refused (RFC 6409 section "
            "6.1). With yes, addresses of domains that this server does not serve are allowed too: for programs "
            "that hand in mail of others. Such mail is not signed, so many receivers refuse it. Addresses of the "
            "domains served here must be the user's own in both cases."
        ),
    ),
)

_SERVER = (
    FieldSpec(
        path="security.ssh_hardening",
        label="Harden SSH",
        help="sshd offers strong algorithms only; undone if you could not log in any more.",
        kind=FieldKind.BOOL,
        example="no",
        why=(
            "Debian's sshd still offers old algorithms, which the tool ssh-audit reports as failures. With yes, a "
            "file in /etc/ssh/sshd_config.d leaves the strong ones: curve25519 and its post-quantum forms, AES in "
            "GCM or CTR, SHA-2. Clients since OpenSSH 6.5 and PuTTY 0.68 know them. Users' keys stay valid. Like "
            "the firewall, the change undoes itself unless a new SSH connection confirms it within a minute."
        ),
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
    fields=(*_TLS, *_DKIM_FIELDS, *_SPF, *_DMARC, *_SENDERS, *_SERVER),
    owns=("security",),
    depends_on=("domain.primary_domain", "domain.hostname", "domain.additional_domains"),
)
