"""Step 5: what is installed beside Postfix and Dovecot."""

from __future__ import annotations

from mailwiz_tui.plan import memory
from mailwiz_tui.plan.questions.limits import LIMITS
from mailwiz_tui.plan.spec import Choice, FieldKind, FieldSpec, ShownWhen, StepSpec

STEP = StepSpec(
    id="services",
    number=5,
    title="Services",
    summary="Filter, virus scanner, webmail, admin panel.",
    help=(
        "Postfix moves mail and Dovecot keeps it; both are always there. Rspamd filters spam, signs with DKIM and "
        "limits how much one account can send, so a stolen password does little harm.\n\n"
        f"ClamAV wants about {memory.CLAMAV_WORDS} of memory for its signatures. "
        "Roundcube reads mail in a browser, at /webmail/ of the mail host; PostfixAdmin manages accounts in one, "
        "at /admin/. Neither needs a DNS record. Both can "
        "be turned on and off later: accounts are kept in the same database either way. The panel's first "
        "administrator is made with a password of its own, shown once after the installation."
    ),
    fields=(
        FieldSpec(
            path="services.antispam",
            label="Spam filter",
            help="Rspamd is recommended; it also signs, greylists and limits sending.",
            kind=FieldKind.CHOICE,
            choices=(
                Choice(
                    "rspamd",
                    "Rspamd",
                    "Fast, learns from what users move to Junk. Recommended.",
                    "It weighs some hundred signs of each mail: who sent it, whether SPF, DKIM and DMARC hold, "
                    "what block lists say, what it learnt. From a score on, mail is filed in Junk; from a higher "
                    "one on, it is refused. Unknown senders are asked to come again in some minutes (greylisting, "
                    "RFC 6647), which spam programs seldom do.",
                ),
                Choice(
                    "spamassassin",
                    "SpamAssassin",
                    "The older filter; slower, for those who have rules for it.",
                    "It needs more memory and time for each mail than Rspamd and knows neither greylisting nor "
                    "sending limits; what it does not do is done by Postfix and further small programs.",
                ),
                Choice(
                    "none",
                    "none",
                    "No filter: where another one stands before this server.",
                    "Every mail that passes Postfix's own checks reaches the mailboxes. Choose it only where a "
                    "filtering service or another server stands in front.",
                ),
            ),
            example="rspamd",
            why="Most mail of the world is spam; without a filter the mailboxes are of no use within weeks.",
        ),
        FieldSpec(
            path="services.antivirus",
            label="ClamAV",
            help=f"Scans attachments; wants {memory.CLAMAV_WORDS} of memory: a server with {memory.SERVER_WORDS}.",
            kind=FieldKind.BOOL,
            example="no",
            why=(
                "A mail with a known virus is refused while its sender is still connected. The signatures need "
                f"about {memory.CLAMAV_WORDS} of memory at all times, more while they are renewed; on a smaller "
                "server the kernel ends programs at random, mail among them. It finds what is known, not the "
                "newest malware."
            ),
        ),
        FieldSpec(
            path="services.clamav_mirror",
            label="Signatures from",
            help="A mirror of your own, where ClamAV's is out of reach; may be empty.",
            example="https://clamav.internal.example.com",
            why=(
                "ClamAV fetches its signatures from database.clamav.net, several times a day. A server without a "
                "way out gets them from a copy of it inside (as cvdupdate makes), or from one file of signatures, "
                "such as https://clamav.internal.example.com/own.hdb. Without any, no mail would be taken."
            ),
            shown_when=(ShownWhen("services.antivirus", (True,)),),
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
            why=(
                "It is served by HTTPS at the mail host's name. Whoever has a password can then log in from any "
                "browser in the world, so guessing is met by fail2ban there too."
            ),
        ),
        FieldSpec(
            path="services.admin_panel",
            label="Admin panel",
            help="Managing accounts in a browser; this program does it too (u).",
            kind=FieldKind.CHOICE,
            choices=(
                Choice("none", "none", "Accounts in this program (u), or by commands."),
                Choice("postfixadmin", "PostfixAdmin", "Accounts, aliases and quotas in a browser."),
            ),
            example="none",
            why=(
                "Domains, mailboxes, aliases and quotas in a browser, also for people who have no access to the "
                "server. A further login on the web is a further door: without need leave it out, the accounts can "
                "be managed in this program (u on the start screen) and from the command line."
            ),
        ),
        *LIMITS,
    ),
    owns=("services", "limits"),
    depends_on=("architecture",),
)
