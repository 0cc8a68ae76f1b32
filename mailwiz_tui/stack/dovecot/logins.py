"""User names that people log in with: which characters they may have, and domains in their own script.

A mailbox's name has its domain as the DNS has it (an A-label). Mail programs send what their users type, so a login
with the domain in its own script (RFC 5890: a U-label) is brought to that name before a password is compared.
"""

from __future__ import annotations

from mailwiz_tui.plan.dnsnames import display_name
from mailwiz_tui.plan.localparts import SPECIAL
from mailwiz_tui.stack.component import Context
from mailwiz_tui.stack.render import quoted, render

_ASCII = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+@"


def username_chars(context: Context) -> str:
    """The value of ``auth_username_chars``: bytes, so those of the characters of the plan's domains are in it."""
    foreign = "".join(
        sorted({c for name in _own_script(context).values() for c in "".join(name) if not c.isascii()})
    )
    return quoted(f"{_ASCII}{SPECIAL}{foreign}")


def own_script_logins(context: Context, version: str) -> str:
    """A passdb for each international domain of the plan; it changes the name and lets the next one decide."""
    return "".join(
        render(
            "dovecot",
            f"{version}/own-script.conf",
            names=" ".join(f"*@{name}" for name in names),
            domain=domain,
            # passdbs have names from 2.4 on
            **({} if version == "2.3" else {"number": str(number)}),
        )
        for number, (domain, names) in enumerate(_own_script(context).items(), 1)
    )


def _own_script(context: Context) -> dict[str, tuple[str, ...]]:
    """International mailbox domains as typed; Dovecot makes only ASCII letters small, so capitals are there too."""
    found = {domain: display_name(domain) for domain in context.plan.mailbox_domains()}
    return {
        domain: tuple(dict.fromkeys((name, "".join(_capital(c) for c in name))))
        for domain, name in found.items()
        if name != domain
    }


def _capital(character: str) -> str:
    """A letter in upper case where it is one letter there and no ASCII one."""
    upper = character.upper()
    return upper if not character.isascii() and len(upper) == 1 else character
