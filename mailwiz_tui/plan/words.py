"""Numbers, lists and times in sentences, so that no sentence says "1 mailboxes"."""

from __future__ import annotations

from collections.abc import Iterable

_MANY = {"address": "addresses", "alias": "aliases", "copy": "copies", "mailbox": "mailboxes"}


def many(one: str) -> str:
    """The plural of the last word of ``one``: ``mail server`` gives ``mail servers``."""
    head, _, last = one.rpartition(" ")
    return f"{head} {_MANY.get(last, last + 's')}".lstrip()


def counted(number: int, one: str) -> str:
    """A number and what it counts: ``1 mailbox``, ``2 mailboxes``, ``0 records``."""
    return f"{number} {one if number == 1 else many(one)}"


def listed(words: Iterable[str], most: int = 0) -> str:
    """``a``, ``a and b``, ``a, b and c``; beyond ``most`` (0: no limit) ``a, b and 3 more``."""
    told = list(words)
    if most and len(told) > most:
        told = [*told[: most - 1], f"{len(told) - most + 1} more"]
    return told[0] if len(told) == 1 else " and ".join([", ".join(told[:-1]), told[-1]]) if told else ""


def span_text(seconds: float) -> str:
    """How long something has been, in its largest unit: ``40 s``, ``12 min``, ``3 h``, ``4 d``."""
    for unit, size, most in (("s", 1, 120), ("min", 60, 7200), ("h", 3600, 172_800)):
        if seconds < most:
            return f"{int(seconds) // size} {unit}"
    return f"{int(seconds) // 86400} d"
