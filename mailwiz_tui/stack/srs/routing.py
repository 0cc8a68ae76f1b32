"""SRS in Postfix: the outgoing mail that is rewritten, and the recipients that are decoded.

postsrsd's own documentation (``sender_canonical_maps`` for all mail) would also rewrite the Return-Path of mail
that is delivered here. So only mail of foreign senders to other servers passes through a cleanup(8) of its own.
"""

from __future__ import annotations

import re

from mailwiz_tui.stack import layout
from mailwiz_tui.stack.blueprint import Ask, File, Port, Scope
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.mail_parts import MainCf, PostfixParts, Section
from mailwiz_tui.stack.postfix.lookups import lookups
from mailwiz_tui.stack.render import render

_FOLDER = "/etc/postfix/mailwiz-srs"
ADDRESSES, REFUSED = f"{_FOLDER}-addresses", f"{_FOLDER}-refused"
SENDERS, DOMAIN_OF, SERVED, FOREIGN = (
    f"{_FOLDER}-{name}" for name in ("senders", "domain-of", "served", "foreign")
)
GENUINE = f"pipemap:{{regexp:{ADDRESSES}, tcp:127.0.0.1:{layout.SRS_REVERSE_PORT}, static:OK}}"
"""A table with OK for addresses that postsrsd wrote and that have not expired."""


def unwraps(context: Context) -> bool:
    """Whether this server receives bounces of forwarded mail, from outside or from its own queue."""
    return context.topology.transfers


def rewrites(context: Context) -> bool:
    """Whether this server sends forwarded mail to other mail servers."""
    return context.topology.sends


def postfix_parts(context: Context) -> PostfixParts:
    """The parts for Postfix: forwarded mail and its bounces."""
    if not unwraps(context):
        return PostfixParts()
    leaves = rewrites(context)
    services = render("srs", "master.cf", port=str(layout.SRS_MAIL_PORT), forward=str(layout.SRS_FORWARD_PORT))
    return PostfixParts(
        main_cf=_parameters(context),
        master_cf=(services,) if leaves else (),
        # a port of Postfix, not of postsrsd
        ports=(Port(layout.SRS_MAIL_PORT, "srs-mail", Scope.LOCAL, ask=Ask.SMTP),) if leaves else (),
        tables=tuple(File(path, text) for path, text in _tables(context).items()),
        # a genuine SRS address may be a sender: of mail that was forwarded back to this server
        sender_checks=(f"check_sender_access {GENUINE}",),
        # genuine SRS addresses are accepted, although no account has them, and the others rejected
        recipient_tables=(f"check_recipient_access {GENUINE}", f"check_recipient_access regexp:{REFUSED}"),
    )


def _parameters(context: Context) -> tuple[MainCf, ...]:
    incoming = render("srs", "incoming.cf", addresses=ADDRESSES, reverse=layout.SRS_REVERSE_PORT)
    found = (MainCf(Section.ADDRESSES, incoming),)
    if not rewrites(context):
        return found
    outgoing = render(
        "srs",
        "outgoing.cf",
        senders=SENDERS,
        domain_of=DOMAIN_OF,
        domains=lookups(context).domains,
        served=SERVED,
        foreign=FOREIGN,
    )
    return (*found, MainCf(Section.ROUTES, outgoing))


def _tables(context: Context) -> dict[str, str]:
    """The tables by path."""
    domain = re.escape(context.plan.domain.primary_domain)
    found = {
        ADDRESSES: render("srs", "mailwiz-srs-addresses", domain=domain),
        REFUSED: render("srs", "mailwiz-srs-refused", domain=domain),
    }
    if rewrites(context):
        found |= {
            SENDERS: render("srs", "mailwiz-srs-senders", domain=domain),
            DOMAIN_OF: render("srs", "mailwiz-srs-domain-of"),
            SERVED: render("srs", "mailwiz-srs-served"),
            FOREIGN: render("srs", "mailwiz-srs-foreign", port=str(layout.SRS_MAIL_PORT)),
        }
    return found
