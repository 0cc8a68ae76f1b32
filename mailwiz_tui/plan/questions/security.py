"""Step 4: TLS, DKIM, SPF, DMARC, senders and SSH."""

from __future__ import annotations

from mailwiz_tui.plan.questions.tls import TLS
from mailwiz_tui.plan.spec import Choice, FieldKind, FieldSpec, ShownWhen, StepSpec

_DKIM = (ShownWhen("security.dkim.enabled", (True,)),)

_DKIM_FIELDS = (
    FieldSpec(
        path="security.dkim.enabled",
        label="DKIM signatures",
        help="Signs every message you send; receivers can see that it was not changed.",
        kind=FieldKind.BOOL,
        example="yes",
        why=(
            "The server signs each message with a private key; the public key is in your DNS. A "
            "receiver can verify that the message comes from your domain and was not changed on the "
            "way, even if it was forwarded. Large providers reject unsigned mail. The private key is "
            "generated on the server and never leaves it (RFC 6376)."
        ),
    ),
    FieldSpec(
        path="security.dkim.selector",
        label="Selector",
        help="Short name of the key, in the DNS before ._domainkey. Include the year.",
        example="2026a",
        why=(
            "A selector distinguishes the keys of your domain: with the selector 2026a the public key "
            "is at 2026a._domainkey.example.com, and each signature names the selector. To change "
            "keys (usually once a year), choose a new selector, publish its record and install. "
            "Messages still on their way are verified with the old record; remove it some weeks later "
            "(RFC 6376 section 3.1)."
        ),
        shown_when=_DKIM,
    ),
    FieldSpec(
        path="security.dkim.key_size",
        label="Key size",
        help="2048 bits; 1024 is too weak today, 4096 makes a very long DNS record.",
        kind=FieldKind.CHOICE,
        choices=(
            Choice(1024, "1024", ("Too weak (RFC 8301); only for DNS services that accept no longer record.")),
            Choice(2048, "2048", "Strong enough; every receiver can verify it."),
            Choice(4096, "4096", ("Needs a record of several strings; not every DNS service accepts one.")),
        ),
        example="2048",
        why=(
            "A longer key is harder to break, and its record is longer. A 2048-bit key needs two "
            "strings in one TXT record; the zone file of step 7 already splits them, and some web "
            "forms want them joined. A 1024-bit key can be broken with enough money (RFC 8301 section "
            "3.2)."
        ),
        shown_when=_DKIM,
    ),
)

_SPF = (
    FieldSpec(
        path="security.spf.policy",
        label="SPF policy",
        help="What receivers do with mail from servers that the SPF record does not list.",
        kind=FieldKind.CHOICE,
        choices=(
            Choice(
                "strict",
                "strict",
                "-all: reject it. Choose it if only these servers send for you.",
                "Mail from any server that is not listed fails. Choose it if you know all servers "
                "that send for your domain: this server, and the services that you name below. A "
                "message that another server forwards fails SPF too; its DKIM signature stays valid, "
                "so use both.",
            ),
            Choice(
                "softfail",
                "softfail",
                "~all: suspicious. Choose it until you know who else sends.",
                "Mail from a server that is not listed is suspicious, but seldom rejected for that "
                "alone. Use it for the first weeks, while DMARC reports show who else sends for you: "
                "a shop, a newsletter, a printer that mails scans.",
            ),
            Choice(
                "neutral",
                "neutral",
                "?all: no statement. Gives no protection.",
                ("The record says nothing about servers that are not listed, so forged mail is not detected."),
            ),
        ),
        example="strict",
        why=(
            "SPF is one TXT record that lists the servers that may send mail for a domain; receivers "
            "compare it with the server that connects to them (RFC 7208). SPF checks the envelope "
            "sender, not the From address that people see; DMARC compares the two."
        ),
    ),
    FieldSpec(
        path="security.spf.includes",
        label="SPF includes",
        help="SPF names of services that send for you (newsletter). Usually empty.",
        kind=FieldKind.LIST,
        example="_spf.newsletter.example",
        why=(
            "A newsletter service or office suite that sends for your domain documents this name. "
            "Each name needs at least one of the ten DNS look-ups that receivers make; with more than "
            "ten, SPF fails completely (RFC 7208 section 4.6.4)."
        ),
    ),
)

_DMARC = (
    FieldSpec(
        path="security.dmarc.policy",
        label="DMARC policy",
        help="What receivers do with mail that fails both SPF and DKIM for your domain.",
        kind=FieldKind.CHOICE,
        choices=(
            Choice(
                "none",
                "none",
                "Deliver it and report. To begin with, if others may send for you.",
                "Forged mail is delivered as without DMARC; you only get reports about it. Use it for "
                "some weeks to find out who sends for your domain, then choose quarantine.",
            ),
            Choice(
                "quarantine",
                "quarantine",
                "File it as spam. A good compromise.",
                "Mail that says it is from you, but has neither a valid DKIM signature of your domain "
                "nor comes from a server in your SPF record, goes to the receiver's spam folder. Mail "
                "from a sender that you forgot to list is not lost: it is in the spam folder.",
            ),
            Choice(
                "reject",
                "reject",
                "Reject it. Choose it when reports show that all your mail passes.",
                "Such mail is rejected. This is the best protection against fraud in your name, but "
                "mail from a sender that you forgot to list bounces, and posts to some mailing lists "
                "are rejected. Choose it when reports show no failures of your own mail.",
            ),
        ),
        example="quarantine",
        why=(
            "SPF and DKIM each prove a domain, but not necessarily the domain that people see in "
            "From. DMARC requires that one of them passes for the domain in From, and says what to do "
            "otherwise (RFC 9989). It protects recipients of mail in your name: customers, banks, "
            "your own staff. This server also applies the DMARC policies of other domains."
        ),
    ),
    FieldSpec(
        path="security.dmarc.rua",
        label="Reports to",
        help="Address for daily summaries of who sent for your domain, like dmarc@.",
        example="mailto:dmarc@example.com",
        why=(
            "Large receivers send one report a day: which servers sent mail with your domain in From, "
            "how much, and whether SPF and DKIM passed. They show you a newsletter service that you "
            "forgot, or forged mail. The files are XML; free and paid services evaluate them. If the "
            "address is in another domain, that domain must allow the reports by a DNS record (RFC "
            "9990)."
        ),
    ),
    FieldSpec(
        path="security.dmarc.ruf",
        label="Failure reports to",
        help="Address for copies of failed messages. Leave empty: few receivers send them.",
        example="",
        why="Failure reports contain parts of private messages (RFC 9991).",
    ),
    FieldSpec(
        path="security.dmarc.percentage",
        label="Percentage",
        help="Leave 100: the current DMARC standard (RFC 9989) dropped this tag.",
        kind=FieldKind.INT,
        example="100",
        why="Receivers that follow RFC 9989 ignore pct. To begin carefully, use the policy none.",
        shown_when=(ShownWhen("security.dmarc.policy", ("quarantine", "reject")),),
    ),
    FieldSpec(
        path="security.dmarc.send_reports",
        label="Send reports",
        help="Sends other domains a daily report of mail in their name to this server.",
        kind=FieldKind.BOOL,
        example="yes",
        why=(
            "Domains that ask for DMARC reports get one a day from postmaster@ in the primary domain. "
            "A report contains server addresses, counts and results, and no part of any message (RFC "
            "9990). Only Rspamd can send them."
        ),
        shown_when=(ShownWhen("services.antispam", ("rspamd",)),),
    ),
)

_SENDERS = (
    FieldSpec(
        path="security.allow_foreign_from",
        label="Foreign From",
        help="Allows From addresses in domains that are not served here.",
        kind=FieldKind.BOOL,
        example="no",
        why=(
            "A login can send as its own mailbox and aliases; every other From address is rejected "
            "(RFC 6409 section 6.1). With yes, From addresses in domains that this server does not "
            "serve are allowed too, for programs that submit mail of other domains. Such messages are "
            "not signed, so many receivers reject them. A From address in a domain served here must "
            "belong to the login in both cases."
        ),
    ),
)

_SERVER = (
    FieldSpec(
        path="security.ssh_hardening",
        label="Harden SSH",
        help="Allows strong algorithms only; undone if you can no longer log in.",
        kind=FieldKind.BOOL,
        example="no",
        why=(
            "Debian's sshd still offers old algorithms, which the tool ssh-audit reports as failures. "
            "With yes, a file in /etc/ssh/sshd_config.d allows only strong ones: curve25519 and its "
            "post-quantum forms, AES in GCM or CTR, SHA-2. OpenSSH 6.5, PuTTY 0.68 and newer clients "
            "support them. Users' keys stay valid. Like the firewall, the change is reverted unless a "
            "new SSH connection confirms it within a minute."
        ),
    ),
)

STEP = StepSpec(
    id="security",
    number=4,
    title="Security",
    summary="TLS certificate, DKIM, SPF, DMARC and SSH.",
    help=(
        "Three DNS records protect your domain against forged mail. SPF lists the servers that may "
        "send for it. DKIM signs each message; the public key is in the DNS. DMARC says what "
        "receivers do with mail that fails both, and where they send reports. Mail without these "
        "records is often filed as spam.\n\nThe certificate is needed for TLS with mail programs and "
        "other servers. Let's Encrypt needs the mail host name in the public DNS and port 80 "
        "reachable. A self-signed certificate is for tests: mail programs warn about it, and MTA-STS "
        "(RFC 8461) cannot be used with it.\n\nPrivate keys are generated on the servers and never "
        "leave them."
    ),
    fields=(*TLS, *_DKIM_FIELDS, *_SPF, *_DMARC, *_SENDERS, *_SERVER),
    owns=("security",),
    depends_on=("domain.primary_domain", "domain.hostname", "domain.additional_domains"),
)
