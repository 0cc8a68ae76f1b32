"""The first accounts and aliases of a new installation (RFC 2142), and passwords for them."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from pydantic import SecretStr

from mailwiz_tui.plan.model import AdminPanel, Plan

ROLE_NAMES = ("abuse", "hostmaster", "security", "webmaster", "mailer-daemon", "dmarc")
"""Addresses that a mail domain must accept, beside postmaster."""
_LETTERS = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"


@dataclass(frozen=True, slots=True)
class FirstAccounts:
    """Mailboxes to create and aliases (address, target)."""

    domains: tuple[str, ...]
    mailboxes: tuple[str, ...]
    aliases: tuple[tuple[str, str], ...]


def first_accounts(plan: Plan) -> FirstAccounts:
    """``postmaster`` of the primary domain; every role address of every mailbox domain is an alias of it."""
    postmaster = f"postmaster@{plan.domain.primary_domain}"
    aliases = []
    for domain in plan.mailbox_domains():
        if domain != plan.domain.primary_domain:
            aliases.append((f"postmaster@{domain}", postmaster))
        aliases += [(f"{name}@{domain}", postmaster) for name in ROLE_NAMES]
    return FirstAccounts(tuple(plan.mailbox_domains()), (postmaster,), tuple(aliases))


def first_administrator(plan: Plan) -> str:
    """The first administrator of PostfixAdmin (admin panel); empty without one."""
    if plan.services.admin_panel is AdminPanel.NONE:
        return ""
    return f"postmaster@{plan.domain.primary_domain}"


def new_password() -> SecretStr:
    """Four groups of six letters and digits that are not easily confused: 139 bits."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(6)) for _ in range(4))
    return SecretStr("-".join(groups))
