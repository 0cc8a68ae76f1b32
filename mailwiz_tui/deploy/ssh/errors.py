"""Failures of a connection to a server, with what the operator can do."""

from __future__ import annotations

from enum import StrEnum

from mailwiz_tui.agent.protocol.clean import clean_line
from mailwiz_tui.plan.errors import OperatorError


class SshErrorKind(StrEnum):
    """The kind of failure; tests and screens use it."""

    NAME = "name"
    REFUSED = "refused"
    NO_ROUTE = "no-route"
    TIMEOUT = "timeout"
    LOST = "lost"
    PROTOCOL = "protocol"
    AUTH = "auth"
    IDENTITY = "identity"
    HOST_KEY_UNKNOWN = "host-key-unknown"
    HOST_KEY_CHANGED = "host-key-changed"
    HOST_KEY_REVOKED = "host-key-revoked"
    CONFIG = "config"
    SHELL = "shell"
    SUDO = "sudo"


_TRANSIENT = frozenset({SshErrorKind.REFUSED, SshErrorKind.NO_ROUTE, SshErrorKind.TIMEOUT, SshErrorKind.LOST})


class SshError(OperatorError):
    """A server could not be reached, or rejected the login or the command.

    ``where`` names the server (``root@192.0.2.21:22``).
    """

    def __init__(self, what: str, where: str, advice: str = "", *, kind: SshErrorKind = SshErrorKind.PROTOCOL):
        super().__init__(what, where, advice)
        self.kind = kind
        self.transient = kind in _TRANSIENT


class ConnectionLost(SshError):  # noqa: N818 - the name says what happened
    """The connection ended before the answer was complete: the outcome of the request is unknown.

    It is neither a success nor a failure of what ran on the server.
    """

    def __init__(self, where: str, what: str = "the connection was lost", advice: str = "") -> None:
        super().__init__(
            what,
            where,
            advice or "the installation on the server continues; connect again to follow it",
            kind=SshErrorKind.LOST,
        )


def printable(text: str | bytes, limit: int = 200) -> str:
    """One line of remote text that is safe on a terminal: control characters gone, cut at ``limit`` characters."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return "".join(c for c in clean_line(" ".join(text.split()), limit) if c.isprintable())
