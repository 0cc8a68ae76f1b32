"""Local parts that addresses here may have: what Postfix routes, Dovecot stores and every daemon looks up.

RFC 5322 section 3.2.3 (dot-atom) less what this stack cannot keep apart: ``/`` (a folder), ``+`` (the delimiter
before a user's own extension), ``!`` and ``%`` (Postfix routes by them), ``*`` and ``?`` (doveadm's patterns,
catch-alls), and braces (IMAP's literals, Dovecot's variables). ``-`` and ``#`` are no first characters: they begin
an option and a comment. The agent on servers has the same grammar in ``agent/accounts/addresses.py``.
"""

from __future__ import annotations

import re

SPECIAL = "#$&'=^_`|~-"
"""What is allowed beside letters, digits and single dots."""
FIRST, FURTHER = r"A-Za-z0-9$&'=^_`|~", r"A-Za-z0-9#$&'=^_`|~-"
PATTERN = rf"[{FIRST}][{FURTHER}]*(?:\.[{FURTHER}]+)*"
"""As Python, PHP (PCRE) and POSIX read it; no longer than 64 characters (RFC 5321 section 4.5.3.1.1)."""
LONGEST = 64
_LOCAL = re.compile(PATTERN)


def is_local_part(text: str) -> bool:
    """Whether a mailbox or alias here may have this local part."""
    return len(text) <= LONGEST and bool(_LOCAL.fullmatch(text))


def strange(text: str) -> str:
    """The first character that keeps a text from being a local part here; empty where it is another reason."""
    return next((c for c in text if not re.match(rf"[.{FURTHER}]", c)), "")
