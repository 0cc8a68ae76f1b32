"""Port 25 as other servers see it: its name, what it accepts, and what it must reject.

RFC 5321 (SMTP), RFC 3207 (STARTTLS), RFC 4954 (AUTH), RFC 2142 (postmaster).
"""

from __future__ import annotations

import secrets
from functools import partial

from mailwiz_tui.verify.check import OPERATOR, Action, Check, Failed, NotRun, Warned
from mailwiz_tui.verify.dialog import IGNORED
from mailwiz_tui.verify.message import EICAR, GTUBE, OUTSIDER, compose, token
from mailwiz_tui.verify.smtp_route import Reply, SmtpRoute, Step
from mailwiz_tui.verify.target import Target

OUTSIDE_LITERAL = "relay-test@[192.0.2.25]"
"""A recipient outside that needs no DNS (documentation address, RFC 5737); no mail is ever sent to it."""
OUTSIDE_DOMAIN = "debian.org"
"""A domain outside that every Debian server can resolve; the dialogue ends before any mail is sent."""
AT_ONCE = 20
"""How many recipients are asked for in one connection."""
FALSE_ENDINGS = ("\n.\n", "\n.\r\n", "\r\n.\n", "\r.\r\n")
RELAY_ADVICE = (
    "Stop Postfix now (systemctl stop postfix): spammers find open relays within hours. Look at "
    "smtpd_relay_restrictions and mynetworks."
)


def checks(target: Target, route: SmtpRoute, probe: str = "") -> list[Check]:
    """The checks that need no mailbox; with the address of a probe mailbox also those that need a recipient."""
    mail_log = "Look at `journalctl -u 'postfix*'` on the server."
    table = [
        ("banner", f"Port 25 greets and answers EHLO as {target.hostname}.", check_banner, mail_log),
        ("no-auth", "Port 25 offers no login, neither before nor after STARTTLS.", check_no_auth,
         "smtpd_sasl_auth_enable must be off for port 25."),
        ("vrfy", "Port 25 does not tell which addresses exist (VRFY).", check_vrfy,
         "disable_vrfy_command must be yes."),
        ("open-relay", "No open relay: unauthenticated clients cannot send to other domains.", check_relay,
         RELAY_ADVICE),
        ("unknown-recipient", "Mail to an unknown address is rejected at RCPT, not bounced later.",
         check_unknown_recipient, "smtpd_recipient_restrictions must hold reject_unlisted_recipient."),
        ("postmaster", "Mail to postmaster is accepted, with and without a domain.", check_postmaster,
         "RFC 5321 section 4.5.1 requires it: look at the aliases (mailwiz-tui mailbox alias list PLAN)."),
    ]  # fmt: skip
    found = [_check(name, proves, partial(action, target, route), advice, route)
             for name, proves, action, advice in table]  # fmt: skip
    if probe:
        found += [
            _check("forged-sender", f"Unauthenticated clients cannot use a sender address of {target.domain}.",
                   partial(check_forged, target, route, probe),
                   "Own domains as sender need a login: look at smtpd_sender_restrictions, Rspamd.", route),
            _check("smuggling", "No second message can be smuggled in with a false end of data.",
                   partial(check_smuggling, target, route, probe),
                   "smtpd_forbid_bare_newline must be normalize (or reject).", route),
        ]  # fmt: skip
        if target.spam_filter:
            found.append(
                _check("gtube", "The spam filter scans incoming mail, and Postfix rejects spam at DATA.",
                       partial(check_gtube, target, route, probe),
                       "Postfix does not ask the spam filter: look at smtpd_milters (postconf -n), and whether the "
                       "spam filter runs.",
                       route))  # fmt: skip
        if target.virus_scanner:
            found.append(
                _check("eicar", "ClamAV (virus scanner) scans incoming mail, and Postfix rejects a virus at DATA.",
                       partial(check_eicar, target, route, probe),
                       "Look at `journalctl -u clamav-daemon` and at smtpd_milters.", route))  # fmt: skip
    return found


def _check(name: str, proves: str, action: Action, advice: str, route: SmtpRoute) -> Check:
    return Check(f"smtp.{name}", proves, action, advice, route.vantage)


async def check_banner(target: Target, route: SmtpRoute) -> str:
    """The greeting and the answer to EHLO name the mail host."""
    greeting, ehlo = await route.talk("EHLO")
    if greeting.code != 220:
        raise Failed(f"expected a greeting with 220, got {greeting}")
    for what, reply in (("greeting", greeting), ("EHLO", ehlo)):
        name = reply.text.split("\n")[-1 if what == "greeting" else 0].split(" ")[0].lower()
        if name != target.hostname.lower():
            raise Failed(f"expected the name {target.hostname} in the {what}, got {reply}")
    return f"greets as {target.hostname}"


async def check_no_auth(target: Target, route: SmtpRoute) -> str:
    """AUTH is neither offered nor accepted on port 25."""
    _, before, starttls, after, tried = await route.talk("EHLO", "STARTTLS", "EHLO", "AUTH PLAIN")
    if starttls.code != 220:
        raise Failed(f"expected 220 to STARTTLS, got {starttls}")
    for what, reply in (("before TLS", before), ("after TLS", after)):
        offered = [line for line in reply.text.split("\n") if line.upper().startswith("AUTH")]
        if offered:
            raise Failed(f"expected no AUTH {what}, got {', '.join(offered)}")
    if tried.accepted:
        raise Failed(f"expected AUTH to be refused, got {tried}")
    return f"AUTH is not offered, and answered with {tried}"


async def check_vrfy(target: Target, route: SmtpRoute) -> str:
    """VRFY of an existing and of an unknown address gets the same reply."""
    unknown = f"{secrets.token_hex(8)}@{target.domain}"
    _, _, known, missing = await route.talk("EHLO", f"VRFY postmaster@{target.domain}", f"VRFY {unknown}")
    if not known.refused or known.code != missing.code:
        raise Failed(f"expected the same reply for every address, got {known}; and for an unknown one {missing}")
    return f"answered with {known}"


async def check_relay(target: Target, route: SmtpRoute) -> str:
    """Recipients in other domains are rejected, in every form that has opened relays before."""
    local, outside = target.domain, f"relay-test@{OUTSIDE_DOMAIN}"
    forms = (
        OUTSIDE_LITERAL,
        outside,
        f"relay-test%{OUTSIDE_DOMAIN}@{local}",
        f'"{outside}"@{local}',
        f"@{local}:{outside}",
        f"{OUTSIDE_DOMAIN}!relay-test@{local}",
        f"SRS0=AAAA=AA={OUTSIDE_DOMAIN}=relay-test@{local}",
    )
    proved: list[Reply] = []
    for chunk in (forms[:2], forms[2:4], forms[4:6], forms[6:]):
        steps: list[Step] = ["EHLO"]
        for form in chunk:
            steps += ["MAIL FROM:<>", f"RCPT TO:<{form}>", "RSET"]
        replies = await route.talk(*steps)
        if not replies[1].accepted:
            raise NotRun(f"the server did not answer: {replies[1]}")
        for index, form in enumerate(chunk):
            sender, recipient = replies[2 + 3 * index], replies[3 + 3 * index]
            if not sender.accepted:
                continue
            if recipient.accepted:
                raise Failed(f"expected the recipient {form} to be rejected, got {recipient}")
            if recipient.refused or recipient.enhanced == "7.1":
                proved.append(recipient)
    if not proved:
        raise Warned("the server judged no recipient; it accepted none either")
    return f"{len(proved)} forms of external recipients rejected, the first with {proved[0]}"


async def check_unknown_recipient(target: Target, route: SmtpRoute) -> str:
    """An unknown recipient is rejected at RCPT with 550."""
    unknown = f"{secrets.token_hex(8)}@{target.domain}"
    *_, reply = await route.talk("EHLO", "MAIL FROM:<>", f"RCPT TO:<{unknown}>")
    if reply.accepted and await target.catches_all():
        return f"a catch-all accepts every address of {target.domain}: {reply}"
    if reply.code != 550:
        raise Failed(f"expected 550 for an unknown recipient, got {reply}")
    return f"answered with {reply}"


async def check_postmaster(target: Target, route: SmtpRoute) -> str:
    """``postmaster`` is a recipient in every mailbox domain, and alone."""
    domains = (target.domain, *target.further_domains)
    addresses = ["postmaster", *(f"postmaster@{domain}" for domain in domains)]
    refused: list[str] = []
    for start in range(0, len(addresses), AT_ONCE):
        some = addresses[start : start + AT_ONCE]
        steps: list[Step] = ["EHLO"]
        for address in some:
            steps += ["RSET", "MAIL FROM:<>", f"RCPT TO:<{address}>"]
        replies = await route.talk(*steps)
        refused += [f"{a}: {r}" for a, r in zip(some, replies[4::3], strict=True) if not r.accepted]
    if refused:
        raise Failed(f"expected postmaster to be accepted, got {'; '.join(refused)}")
    return f"accepted as {', '.join(addresses)}"


async def check_forged(target: Target, route: SmtpRoute, probe: str) -> str:
    """A message from outside with a sender in an own domain is rejected. The plan's own servers may send so:

    SPF allows them.
    """
    if route.vantage != OPERATOR:
        raise NotRun(
            f"{route.why}, where SPF allows this sender: it would prove nothing",
            "Verify from a network that does not block outgoing port 25.",
        )
    sender = f"postmaster@{target.domain}"
    text = compose(sender, probe, f"forged {token()}")
    replies = await route.talk("EHLO", f"MAIL FROM:<{sender}>", f"RCPT TO:<{probe}>", [text])
    return _refused(replies[2:], f"a mail from {sender} without login")


async def check_gtube(target: Target, route: SmtpRoute, probe: str) -> str:
    """A message with GTUBE, the test line for spam filters, is rejected at DATA."""
    text = compose(OUTSIDER, probe, f"gtube {token()}", f"{GTUBE}\n")
    replies = await route.talk("EHLO", "MAIL FROM:<>", f"RCPT TO:<{probe}>", [text])
    if not replies[3].accepted:
        raise NotRun(f"the dialogue ended before DATA: {replies[3]}")
    return _refused(replies[4:], "the test line for spam")


async def check_eicar(target: Target, route: SmtpRoute, probe: str) -> str:
    """A message with the test virus attached is rejected at DATA."""
    text = compose(OUTSIDER, probe, f"test virus {token()}", attachment=EICAR)
    replies = await route.talk("EHLO", "MAIL FROM:<>", f"RCPT TO:<{probe}>", [text])
    if not replies[3].accepted:
        raise NotRun(f"the dialogue ended before DATA: {replies[3]}")
    return _refused(replies[4:], "the test virus")


async def check_smuggling(target: Target, route: SmtpRoute, probe: str) -> str:
    """False ends of data do not end a message; else a second message, with any sender, could follow."""
    transaction: list[Step] = []
    for ending in FALSE_ENDINGS:
        text = compose(OUTSIDER, probe, f"smuggling {token()}")
        transaction += ["MAIL FROM:<>", f"RCPT TO:<{probe}>", [text, ending]]
    replies = await route.talk("EHLO", *transaction)
    for ending, reply in zip(FALSE_ENDINGS, replies[4::3], strict=True):
        if reply.accepted:
            raise Failed(f"expected {ending!r} not to end the message, got {reply}")
    judged = [r for r in replies[4::3] if r.refused or r.text.startswith(IGNORED)]
    if not judged:
        raise NotRun(f"the dialogue ended before DATA: {replies[4]}")
    return f"{len(judged)} false ends of data tried, none ended the message"


def _refused(replies: list[Reply], what: str) -> str:
    for reply in replies:
        if reply.refused:
            return f"refused with {reply}"
        if reply.later:
            raise Warned(f"expected {what} to be rejected (5xx), got {reply}: it was deferred, not judged")
    raise Failed(f"expected {what} to be rejected, got {replies[-1]}")
