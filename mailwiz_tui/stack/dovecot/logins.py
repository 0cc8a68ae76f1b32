"""User names that people log in with: which characters they may have, and domains in their own script.

A mailbox's name has its domain as the DNS has it (an A-label). Mail programs send what their users type, so a
login with the domain in its own script (RFC 5890: a U-label) is brought to that name before a password is compared.
That is a rule, not a list of the plan's domains: the admin panel and the command line make domains, too.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from mailwiz_tui.plan.localparts import SPECIAL
from mailwiz_tui.stack.blueprint import File
from mailwiz_tui.stack.render import quoted, render

PACKAGE = "dovecot-auth-lua"
OWN_SCRIPT = "/etc/dovecot/own-script.lua"
_ASCII = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.+@"
_LEADING = (
    *(range(lead << 6, (lead + 1) << 6) for lead in range(0x02, 0x20)),
    range(0x0800, 0x1000),
    *(range(lead << 12, (lead + 1) << 12) for lead in range(0x01, 0x10)),
    range(0x10000, 0x20000),
)
"""The characters that begin with the same byte of UTF-8 (RFC 3629), for each such byte."""


def username_chars() -> str:
    """The value of ``auth_username_chars``.

    Dovecot compares bytes, so it is ASCII and one letter for every byte that letters have in UTF-8.
    """
    return quoted(f"{_ASCII}{SPECIAL}{''.join(dict.fromkeys(_letters()))}")


def _letters() -> Iterator[str]:
    """Letters that between them have every byte that letters have outside ASCII."""
    yield from map(chr, range(0x0400, 0x0440))
    for characters in _LEADING:
        yield from islice((letter for letter in map(chr, characters) if letter.isalpha()), 1)


def own_script_file() -> File:
    """The program that changes the name, as the first passdb, and lets the next one compare the password."""
    return File(OWN_SCRIPT, render("dovecot", "own-script.lua"))
