"""User names for logins: their characters, and domains in their own script.

The name of a mailbox has its domain in the DNS form (RFC 5890, A-label). Mail programs send what users type, so a
login with the domain in its own script (U-label) is converted before the password is verified. That is a rule, not
a list of the plan's domains: PostfixAdmin and the command line add domains too.
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
"""For each first byte of UTF-8 (RFC 3629), the characters that begin with it."""


def username_chars() -> str:
    """The value of ``auth_username_chars``.

    Dovecot compares bytes, so it is ASCII and one letter for every byte that letters have in UTF-8.
    """
    return quoted(f"{_ASCII}{SPECIAL}{''.join(dict.fromkeys(_letters()))}")


def _letters() -> Iterator[str]:
    """A set of letters that covers every byte of letters outside ASCII."""
    yield from map(chr, range(0x0400, 0x0440))
    for characters in _LEADING:
        yield from islice((letter for letter in map(chr, characters) if letter.isalpha()), 1)


def own_script_file() -> File:
    """The first passdb: a program that converts the name; the next one verifies the password."""
    return File(OWN_SCRIPT, render("dovecot", "own-script.lua"))
