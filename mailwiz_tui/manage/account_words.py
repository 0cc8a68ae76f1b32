"""Addresses, sizes and stores as people type and read them."""

from __future__ import annotations

import re

from mailwiz_tui.plan.dnsnames import display_name, domain_name
from mailwiz_tui.plan.mailnames import account_address, mail_address, target_address
from mailwiz_tui.plan.model import Plan
from mailwiz_tui.topology.servers import stores

UNITS = {"": 1, "B": 1, "K": 1024, "M": 1024**2, "G": 1024**3, "T": 1024**4}
_SIZE = re.compile(r"(\d{1,15})(?:\.(\d{1,3}))?\s*([KMGT]?)(?:i?B)?", re.IGNORECASE)
NO_QUOTA = ("", "0", "none", "unlimited")


def typed_address(text: str) -> str:
    """An address that exists, as it was typed, in lower case, its domain as the DNS has it. Raises ValueError.

    Its local part may be any that the database holds, so that what a panel let in can be removed.
    """
    local, at, domain = text.strip().rpartition("@")
    if not at or not re.fullmatch(r"[!-~]{1,128}", local):
        return mail_address(text.strip()).lower()
    return f"{local.lower()}@{domain_name(domain)}"


def typed_alias(text: str) -> str:
    """The same, or ``@domain`` (``*@domain`` is understood too) for a catch-all. Raises ValueError."""
    return _catch_all(text) or typed_address(text)


def typed_new_address(text: str) -> str:
    """An address for a new mailbox, in lower case, its domain as the DNS has it. Raises ValueError."""
    return account_address(text.strip()).lower()


def typed_new_alias(text: str) -> str:
    """An address for a new alias, or ``@domain`` (``*@domain``) for a catch-all. Raises ValueError."""
    return _catch_all(text) or typed_new_address(text)


def typed_target(text: str) -> str:
    """An address that an alias leads to, here or elsewhere, in lower case. Raises ValueError."""
    return target_address(text.strip()).lower()


def _catch_all(text: str) -> str:
    text = text.strip().removeprefix("*")
    return f"@{domain_name(text[1:])}" if text.startswith("@") else ""


def typed_quota(text: str) -> int:
    """Bytes from ``5G``, ``500M``, ``1.5 GB``, ``none``. Raises ValueError with a sentence for the operator."""
    text = text.strip()
    if text.lower() in NO_QUOTA:
        return 0
    found = _SIZE.fullmatch(text)
    if not found:
        raise ValueError(f"“{text[:20]}” is not a quota; give a size like 5G or 500M, or none")
    whole, part, unit = found[1], found[2] or "", UNITS[found[3].upper()]
    size = int(whole) * unit + (int(part) * unit // 10 ** len(part) if part else 0)
    if size < UNITS["M"]:
        raise ValueError(f"“{text[:20]}” is less than 1 MB; give a size like 5G or 500M, or none")
    if size >= 2**60:
        raise ValueError(f"“{text[:20]}” is larger than any disk")
    return size


def size_words(size: int) -> str:
    """Bytes for people, in the units that quotas are typed in: ``5G``, ``1.5G``, ``0``."""
    for unit in ("T", "G", "M", "K"):
        if size >= UNITS[unit]:
            shown = f"{size / UNITS[unit]:.1f}".removesuffix(".0")
            return f"{shown}{unit}"
    return str(size)


def shown_address(address: str) -> str:
    """An address for people: its domain in its own script, a catch-all as ``*@domain``."""
    local, _, domain = address.rpartition("@")
    return f"{local or '*'}@{display_name(domain)}"


def known_store(plan: Plan, store: str) -> None:
    """Raises ValueError unless mailboxes of the plan can be on that server."""
    known = [server.id for server in stores(plan)]
    if store not in known:
        raise ValueError(f"the plan has no store “{store[:40]}”; its stores: {', '.join(known) or 'none'}")
