"""Step 5: what is installed beside Postfix and Dovecot."""

from __future__ import annotations

from mailwiz_tui.plan.spec import Choice, FieldKind, FieldSpec, StepSpec

STEP = StepSpec(
    id="services",
    number=5,
    title="Services",
    summary="Filter, virus scanner, webmail, admin panel.",
    help=(
        "Postfix moves mail and Dovecot keeps it; both are always there. Rspamd filters spam, signs with DKIM and "
        "limits how much one account can send, so a stolen password does little harm.\n\n"
        "ClamAV wants about 1.5 GB of memory for its signatures. Roundcube reads mail in a browser; PostfixAdmin "
        "manages accounts in one. Both can be turned on later: accounts are kept in the same database either way."
    ),
    fields=(
        FieldSpec(
            path="services.antispam",
            label="Spam filter",
            help="Rspamd is recommended; it also signs, greylists and limits sending.",
            kind=FieldKind.CHOICE,
            choices=(
                Choice("rspamd", "Rspamd", "Fast, learns from what users move to Junk. Recommended."),
                Choice(
                    "spamassassin", "SpamAssassin", "The older filter; slower, for those who have rules for it."
                ),
                Choice("none", "none", "No filter: where another one stands before this server."),
            ),
            example="rspamd",
        ),
        FieldSpec(
            path="services.antivirus",
            label="ClamAV",
            help="Scans attachments; wants 1.5 GB of memory, so a server with 4 GB.",
            kind=FieldKind.BOOL,
            example="no",
        ),
        FieldSpec(
            path="services.webmail",
            label="Webmail",
            help="Reading mail in a browser; programs and phones need none.",
            kind=FieldKind.CHOICE,
            choices=(
                Choice("none", "none", "Mail programs and phones only."),
                Choice("roundcube", "Roundcube", "Webmail with address book, filters and password change."),
            ),
            example="none",
        ),
        FieldSpec(
            path="services.admin_panel",
            label="Admin panel",
            help="Managing accounts in a browser; `mailwiz-tui mailbox` does it without.",
            kind=FieldKind.CHOICE,
            choices=(
                Choice("none", "none", "Accounts from the command line."),
                Choice("postfixadmin", "PostfixAdmin", "Accounts, aliases and quotas in a browser."),
            ),
            example="none",
        ),
    ),
    owns=("services",),
    depends_on=("architecture",),
)
