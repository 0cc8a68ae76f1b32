"""Jump hosts in OpenSSH's form: ``[user@]host[:port]`` or ``ssh://…``, several separated by commas."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.plan.explain import quoted


@dataclass(frozen=True, slots=True)
class Hop:
    """One jump host; user is empty and port 0 if the text has none."""

    text: str
    host: str
    user: str = ""
    port: int = 0


def parse_jumps(text: str) -> list[Hop]:
    """The hops in order; none for an empty text or ``none`` (ssh_config(5), ProxyJump).

    Raises ValueError, with a sentence for the operator, for text that OpenSSH would not accept either.
    """
    if not text.strip() or text.strip().lower() == "none":
        return []
    return [_hop(part.strip()) for part in text.split(",")]


def _hop(text: str) -> Hop:
    user, at, rest = text.removeprefix("ssh://").rstrip("/").rpartition("@")
    if rest.startswith("["):
        host, bracket, port = rest[1:].partition("]")
        good = bracket == "]" and (not port or (port.startswith(":") and len(port) > 1))
        port = port[1:]
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
        good = bool(port)
    else:
        host, port, good = rest, "", True
    number = int(port) if port.isascii() and port.isdigit() and len(port) <= 5 else 0
    plain = bool(host) and not any(c.isspace() or not c.isprintable() for c in host + user)
    if not good or not plain or host.startswith("-") or (at and not user) or (port and not 1 <= number <= 65535):
        raise ValueError(
            f"{quoted(text)} is not a jump host; write [user@]host[:port], several separated by commas"
        )
    return Hop(text, host, user, number)
