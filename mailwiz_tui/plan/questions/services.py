"""Step 5: spam filter, virus scanner, webmail and admin panel."""

from __future__ import annotations

from mailwiz_tui.plan import memory
from mailwiz_tui.plan.questions.limits import LIMITS
from mailwiz_tui.plan.spec import Choice, FieldKind, FieldSpec, ShownWhen, StepSpec

STEP = StepSpec(
    id="services",
    number=5,
    title="Services",
    summary="Spam filter, virus scanner, webmail, admin panel.",
    help=(
        "Postfix (SMTP) and Dovecot (IMAP, LMTP) are always installed. Rspamd filters spam, signs with DKIM and "
        "limits how much one account can send, so a stolen password does little harm.\n\n"
        f"ClamAV needs about {memory.CLAMAV_WORDS} of memory for its signatures. "
        "Roundcube shows mail in a browser, at /webmail/ of the mail host; PostfixAdmin manages accounts in one, "
        "at /admin/. Neither needs a DNS record. Both can be turned on and off later: the accounts are in the same "
        "database with and without them. The installation creates PostfixAdmin's first administrator, and shows "
        "the password once at the end."
    ),
    fields=(
        FieldSpec(
            path="services.antispam",
            label="Spam filter",
            help="Rspamd is recommended; it also signs, greylists and limits sent mail.",
            kind=FieldKind.CHOICE,
            choices=(
                Choice(
                    "rspamd",
                    "Rspamd",
                    "Fast; learns from messages that users move to Junk. Recommended.",
                    "Rspamd checks some hundred properties of each message: the sender, the results "
                    "of SPF, DKIM and DMARC, block lists, and what it learnt. Above one score a "
                    "message is filed in Junk; above a higher score it is rejected. Messages from "
                    "unknown senders are deferred for some minutes (greylisting, RFC 6647); spam "
                    "programs seldom retry.",
                ),
                Choice(
                    "spamassassin",
                    "SpamAssassin",
                    "The older filter; slower. For operators who have rules for it.",
                    "It needs more memory and time for each message than Rspamd, and has neither "
                    "greylisting nor sending limits; Postfix and further small programs provide "
                    "these.",
                ),
                Choice(
                    "none",
                    "none",
                    "No filter. For servers behind another filter.",
                    "Every message that passes Postfix's own checks is delivered. Choose it only if a "
                    "filtering service or another server filters the mail first.",
                ),
            ),
            example="rspamd",
            why=("Most mail on the internet is spam; without a filter the mailboxes become unusable within weeks."),
        ),
        FieldSpec(
            path="services.antivirus",
            label="ClamAV",
            help=f"Scans attachments; needs {memory.CLAMAV_WORDS} of memory: a server with {memory.SERVER_WORDS}.",
            kind=FieldKind.BOOL,
            example="no",
            why=(
                "A message with a known virus is rejected during the SMTP session. The signatures need "
                f"about {memory.CLAMAV_WORDS} of memory at all times, more while they are renewed; on a smaller "
                "server the kernel kills programs when memory runs out. ClamAV finds known viruses, not the newest "
                "malware."
            ),
        ),
        FieldSpec(
            path="services.clamav_mirror",
            label="Signatures from",
            help="URL of your own mirror, if ClamAV's is not reachable; can be empty.",
            example="https://clamav.internal.example.com",
            why=(
                "ClamAV fetches its signatures from database.clamav.net several times a day. A server "
                "that cannot reach it needs a local mirror (cvdupdate makes one), or one file of "
                "signatures, such as https://clamav.internal.example.com/own.hdb. Without signatures "
                "no mail would be accepted."
            ),
            shown_when=(ShownWhen("services.antivirus", (True,)),),
        ),
        FieldSpec(
            path="services.webmail",
            label="Webmail",
            help="Mail in a browser; mail programs and phones do not need it.",
            kind=FieldKind.CHOICE,
            choices=(
                Choice("none", "none", "Mail programs and phones only."),
                Choice("roundcube", "Roundcube", "Webmail with address book, filters and password change."),
            ),
            example="none",
            why=(
                "It is served over HTTPS at the mail host name. Anyone who has a password can log in "
                "from any browser; fail2ban bans clients that guess passwords there too."
            ),
        ),
        FieldSpec(
            path="services.admin_panel",
            label="Admin panel",
            help="Manages accounts in a browser; this program does so too (u).",
            kind=FieldKind.CHOICE,
            choices=(
                Choice("none", "none", "Accounts in this program (u), or by commands."),
                Choice("postfixadmin", "PostfixAdmin", "Accounts, aliases and quotas in a browser."),
            ),
            example="none",
            why=(
                "Domains, mailboxes, aliases and quotas in a browser, also for people who have no "
                "access to the server. It is a further login that can be attacked from the internet. "
                "Leave it out if you do not need it: accounts can be managed in this program (u on "
                "the start screen) and from the command line."
            ),
        ),
        *LIMITS,
    ),
    owns=("services", "limits"),
    depends_on=("architecture",),
)
