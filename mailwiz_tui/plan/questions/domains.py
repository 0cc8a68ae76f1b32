"""Step 3: the domains served, and the name the mail server goes by."""

from __future__ import annotations

from mailwiz_tui.plan.spec import FieldKind, FieldSpec, StepSpec

STEP = StepSpec(
    id="domains",
    number=3,
    title="Domains",
    summary="Which domains get mail here, and the name of the mail host.",
    help=(
        "The primary domain is what stands after the @ in your addresses. The mail host name is the server's own "
        "name: "
        "it greets other servers with it, its certificate bears it, users type it into their programs, and the "
        "reverse "
        "name (PTR) of its address must be the same, or large providers refuse its mail.\n\n"
        "Further domains are either mailbox domains, with accounts here, or relay domains, whose mail is only "
        "filtered "
        "here and passed on to a next hop.\n\n"
        "International names may be typed as they are (bücher.example); DNS sees xn--… (RFC 5890)."
    ),
    fields=(
        FieldSpec(
            path="domain.primary_domain",
            label="Primary domain",
            help="What stands after the @ in your addresses.",
            example="example.com",
            why=(
                "With example.com your addresses read anna@example.com. You need to be able to change this "
                "domain's records in the DNS: step 7 lists what to enter there. postmaster@ of it receives what "
                "concerns the whole server; every domain needs that address (RFC 5321 section 4.5.1)."
            ),
        ),
        FieldSpec(
            path="domain.hostname",
            label="Mail host name",
            help="The server's full name, below one of your domains, and not the bare domain.",
            example="mail.example.com",
            why=(
                "Not the domain itself but a name below it, mail.example.com say: the website can then stay where "
                "it is. It must have an address in the DNS (RFC 5321 section 2.3.5), and the reverse name (PTR) of "
                "that address, which is set where you rent the server, must lead back to it: large providers "
                "refuse mail from servers where the two do not agree."
            ),
        ),
        FieldSpec(
            path="domain.additional_domains",
            label="Further domains",
            help="Each a mailbox domain, or a relay domain with its next hop.",
            kind=FieldKind.DOMAINS,
            example="example.org (mailbox)",
            why=(
                "A mailbox domain has accounts here, like the primary one. A relay domain has its mailboxes on "
                "another host: mail for it is filtered here and passed on, and whether a recipient exists is asked "
                "there first, so that nothing bounces later. Each gets its own MX, SPF, DKIM and DMARC records; "
                "step 7 lists them all."
            ),
        ),
    ),
    owns=("domain",),
)
