"""Names of mount units."""

from __future__ import annotations

import string

_PLAIN = frozenset(string.ascii_letters + string.digits + ":_.")


def mount_unit(path: str) -> str:
    """The unit of the mount of a path (systemd.unit(5), "String Escaping for Inclusion in Unit Names").

    ``/srv/my-mail`` is ``srv-my\\x2dmail.mount``; ``path`` is absolute and normalised.
    """
    parts = path.strip("/").split("/")
    escaped = "-".join(_escaped(part) for part in parts)
    if escaped.startswith("."):
        escaped = r"\x2e" + escaped[1:]
    return f"{escaped}.mount"


def _escaped(part: str) -> str:
    return "".join(char if char in _PLAIN else "".join(f"\\x{byte:02x}" for byte in char.encode()) for char in part)
