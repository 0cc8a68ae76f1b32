"""Which addresses mailboxes and aliases here may have, and which may only be found, led to or removed.

The grammar is the one of ``plan/localparts.py``: what is made anew has to follow it. Rows that a panel let in
earlier need not; they can still be shown and removed, but are told to no program that would take their ``*``
for a pattern or their ``/`` for a folder.
"""

from __future__ import annotations

import re

from ..core.fault import AgentFault

PATTERN = r"[A-Za-z0-9$&'=^_`|~][A-Za-z0-9#$&'=^_`|~-]*(?:\.[A-Za-z0-9#$&'=^_`|~-]+)*"
LONGEST = 64
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_FOREIGN = re.compile(rf'{_ATEXT}(?:\.{_ATEXT})*|"[!#-+\--\[\]-~]+"')
"""RFC 5321 section 4.1.2, without what a list in one column cannot hold: quoted spaces, commas and backslashes."""
_HELD = re.compile(r"[!-~]{1,128}@[!-?A-~]{1,253}")
_DOMAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")


def is_own(address: str) -> bool:
    """Whether a mailbox or alias here may have this address."""
    local, at, domain = address.rpartition("@")
    fits = len(local) <= LONGEST and re.fullmatch(PATTERN, local)
    return bool(at and fits and _DOMAIN.fullmatch(domain) and ".." not in domain)


def address_of(value: object) -> str:
    """An address that a mailbox or alias here may have, in lower case. Raises AgentFault for another."""
    text = str(value)
    if not is_own(text):
        raise AgentFault(f"{text!r} is not a valid address for a mailbox or alias", "accounts")
    return text.lower()


def held_address(value: object) -> str:
    """An address that the database may hold already, in lower case. Raises AgentFault for what is none."""
    text = str(value)
    if not _HELD.fullmatch(text):
        raise AgentFault(f"{text!r} is not a mail address", "accounts")
    return text.lower()


def target_address(value: object) -> str:
    """An address that an alias may lead to, here or elsewhere, in lower case. Raises AgentFault for another."""
    text = str(value)
    local, _, domain = text.rpartition("@")
    if len(local) > LONGEST or not _FOREIGN.fullmatch(local) or not _DOMAIN.fullmatch(domain) or ".." in domain:
        raise AgentFault(f"{text!r} is not a valid target of an alias", "accounts")
    return text.lower()
