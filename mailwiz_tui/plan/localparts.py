"""The local parts of addresses here: those that Postfix can route, Dovecot can store and every daemon can look up.

RFC 5322 section 3.2.3 (dot-atom) without what has another meaning in this stack: ``/`` (a folder), ``+`` (the
delimiter before a user's own extension), ``!`` and ``%`` (Postfix routes by them), ``*`` and ``?`` (doveadm's
patterns, catch-alls), and braces (IMAP's literals, Dovecot's variables). ``-`` and ``#`` cannot be first: they
begin an option and a comment. The agent on servers has the same grammar in ``agent/accounts/addresses.py``.
"""

from __future__ import annotations

import re

SPECIAL = "#$&'=^_`|~-"
"""The characters besides letters, digits and single dots."""
FIRST, FURTHER = r"A-Za-z0-9$&'=^_`|~", r"A-Za-z0-9#$&'=^_`|~-"
PATTERN = rf"[{FIRST}][{FURTHER}]*(?:\.[{FURTHER}]+)*"
"""For Python, PHP (PCRE) and POSIX; at most 64 characters (RFC 5321 section 4.5.3.1.1)."""
LONGEST = 64
_LOCAL = re.compile(PATTERN)


def is_local_part(text: str) -> bool:
    """Whether a mailbox or alias here may have this local part."""
    return len(text) <= LONGEST and bool(_LOCAL.fullmatch(text))


def strange(text: str) -> str:
    """The first character that is not allowed in a local part here; empty if there is another reason."""
    return next((c for c in text if not re.match(rf"[.{FURTHER}]", c)), "")
