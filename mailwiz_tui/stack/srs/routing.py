"""SRS in Postfix: which mail is rewritten on its way out, and which recipients are unwrapped on their way in.

postsrsd's own advice (``sender_canonical_maps`` for everything) would rewrite the Return-Path of all mail that is
delivered here, too. So mail of foreign senders for the world, and nothing else, passes a cleanup(8) of its own.
"""

from __future__ import annotations

import re

from mailwiz_tui.stack import keys
from mailwiz_tui.stack.blueprint import Port, Scope
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import render

_FOLDER = "/etc/postfix/mailwiz-srs"
ADDRESSES, REFUSED = f"{_FOLDER}-addresses", f"{_FOLDER}-refused"
SENDERS, DOMAIN_OF, SERVED, FOREIGN = (
    f"{_FOLDER}-{name}" for name in ("senders", "domain-of", "served", "foreign")
)
GENUINE = f"pipemap:{{regexp:{ADDRESSES}, tcp:127.0.0.1:{keys.SRS_REVERSE_PORT}, static:OK}}"
"""A table that says OK to addresses that postsrsd wrote and that have not expired."""


def unwraps(context: Context) -> bool:
    """Whether bounces of forwarded mail come to this server, from outside or from its own queue."""
    return context.topology.transfers


def rewrites(context: Context) -> bool:
    """Whether forwarded mail leaves for the world from this server."""
    return context.topology.sends


def settings(context: Context, domains: str) -> str:
    """The part of main.cf; ``domains`` is the table of the domains that have accounts."""
    text = render("srs", "incoming.cf", addresses=ADDRESSES, reverse=str(keys.SRS_REVERSE_PORT))
    if rewrites(context):
        text += render(
            "srs",
            "outgoing.cf",
            senders=SENDERS,
            domain_of=DOMAIN_OF,
            domains=domains,
            served=SERVED,
            foreign=FOREIGN,
        )
    return text


def sender_check() -> str:
    """A restriction that lets a genuine SRS address be a sender: mail that was forwarded back to us."""
    return f"check_sender_access {GENUINE}"


def recipient_checks() -> str:
    """Restrictions that take genuine SRS addresses, of which no account is known, and refuse the others."""
    return f"check_recipient_access {GENUINE},\n    check_recipient_access regexp:{REFUSED}"


def services(context: Context) -> str:
    """The services of master.cf."""
    if not rewrites(context):
        return ""
    return render("srs", "master.cf", port=str(keys.SRS_MAIL_PORT), forward=str(keys.SRS_FORWARD_PORT))


def ports(context: Context) -> tuple[Port, ...]:
    """Where they listen: Postfix does, not postsrsd."""
    return (Port(keys.SRS_MAIL_PORT, "srs-mail", Scope.LOCAL),) if rewrites(context) else ()


def tables(context: Context) -> dict[str, str]:
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
            FOREIGN: render("srs", "mailwiz-srs-foreign", port=str(keys.SRS_MAIL_PORT)),
        }
    return found
