"""Step 3: the domains, and the mail host name."""

from __future__ import annotations

from mailwiz_tui.plan.spec import FieldKind, FieldSpec, StepSpec

STEP = StepSpec(
    id="domains",
    number=3,
    title="Domains",
    summary="The domains that receive mail here, and the mail host name.",
    help=(
        "The primary domain is the part after the @ in your addresses. The mail host name is the "
        "server's own name: Postfix greets other servers with it, the certificate contains it, and "
        "users enter it in their mail programs. The reverse name (PTR) of the server's address must "
        "be the same name; otherwise large providers reject its mail.\n\nA further domain is either a "
        "mailbox domain, with accounts here, or a relay domain: its mail is filtered here and relayed "
        "to a next hop.\n\nInternational names can be typed as they are (bücher.example); the DNS "
        "holds them as xn--… (RFC 5890)."
    ),
    fields=(
        FieldSpec(
            path="domain.primary_domain",
            label="Primary domain",
            help="The part after the @ in your addresses.",
            example="example.com",
            why=(
                "With example.com your addresses read anna@example.com. You must be able to change "
                "this domain's records in the DNS; step 7 lists the records to enter. postmaster@ in "
                "this domain receives messages about the whole server; every domain must have that "
                "address (RFC 5321 section 4.5.1)."
            ),
        ),
        FieldSpec(
            path="domain.hostname",
            label="Mail host name",
            help="Full name of the server, below one of your domains; not the domain itself.",
            example="mail.example.com",
            why=(
                "Use a name below the domain, for example mail.example.com, and not the domain "
                "itself: the website can then stay where it is. The name must have an address in the "
                "DNS (RFC 5321 section 2.3.5). The reverse name (PTR) of that address must be this "
                "name; you set it at the provider of the server. Large providers reject mail from "
                "servers whose name and reverse name differ."
            ),
        ),
        FieldSpec(
            path="domain.additional_domains",
            label="Further domains",
            help="Each is a mailbox domain, or a relay domain with a next hop.",
            kind=FieldKind.DOMAINS,
            example="example.org (mailbox)",
            why=(
                "A mailbox domain has accounts here, like the primary domain. A relay domain has its "
                "mailboxes on another host: its mail is filtered here and relayed to that host. "
                "Postfix first asks that host whether the recipient exists, so that mail for unknown "
                "recipients is rejected and does not bounce later. Each domain gets its own MX "
                "record, each mailbox domain its own SPF, DKIM and DMARC records; step 7 lists them."
            ),
        ),
    ),
    owns=("domain",),
)
