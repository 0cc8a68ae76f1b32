"""Jump hosts as OpenSSH writes them: ``[user@]host[:port]`` or ``ssh://…``, several separated by commas."""

from __future__ import annotations

from dataclasses import dataclass

from mailwiz_tui.install.ssh.errors import SshError, SshErrorKind, printable


@dataclass(frozen=True, slots=True)
class Hop:
    """One jump host as written; user and port are empty where the text names none."""

    text: str
    host: str
    user: str = ""
    port: int = 0


def parse_jumps(text: str, where: str) -> list[Hop]:
    """The hops in the order they are passed. Raises SshError on text that OpenSSH would not take either."""
    return [_hop(part.strip(), where) for part in text.split(",")] if text.strip() else []


def _hop(text: str, where: str) -> Hop:
    rest = text.removeprefix("ssh://").rstrip("/")
    user, at, rest = rest.rpartition("@")
    if rest.startswith("["):
        host, bracket, port = rest[1:].partition("]")
        good = bracket == "]" and (not port or port.startswith(":"))
        port = port[1:]
    elif rest.count(":") == 1:
        host, _, port = rest.partition(":")
        good = bool(port)
    else:
        host, port, good = rest, "", True
    number = int(port) if port.isascii() and port.isdigit() else 0
    if not good or not host or host.startswith("-") or (at and not user) or (port and not 1 <= number <= 65535):
        raise SshError(
            f"not a jump host: {printable(text) or 'nothing between commas'}",
            where,
            "write [user@]host[:port], several separated by commas",
            kind=SshErrorKind.CONFIG,
        )
    return Hop(text, host, user, number)
