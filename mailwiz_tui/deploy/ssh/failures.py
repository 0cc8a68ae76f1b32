"""Turns exceptions of the network and of asyncssh into errors that say what to do."""

from __future__ import annotations

import errno
import re
import socket

import asyncssh

from mailwiz_tui.deploy.ssh.errors import ConnectionLost, SshError, SshErrorKind, printable

_BY_TEXT: tuple[tuple[str, SshErrorKind], ...] = (
    (r"refused", SshErrorKind.REFUSED),
    (r"timed out|timeout", SshErrorKind.TIMEOUT),
    (r"no route|unreachable", SshErrorKind.NO_ROUTE),
    (r"name or service|resolve|name resolution|not known", SshErrorKind.NAME),
)
_BY_ERRNO = {
    errno.ECONNREFUSED: SshErrorKind.REFUSED,
    errno.EHOSTUNREACH: SshErrorKind.NO_ROUTE,
    errno.ENETUNREACH: SshErrorKind.NO_ROUTE,
    errno.EADDRNOTAVAIL: SshErrorKind.NO_ROUTE,
    errno.ETIMEDOUT: SshErrorKind.TIMEOUT,
    errno.ECONNRESET: SshErrorKind.LOST,
    errno.EPIPE: SshErrorKind.LOST,
}
_TOLD: dict[SshErrorKind, tuple[str, str]] = {
    SshErrorKind.NAME: ("the name {host} does not resolve", "check the spelling, or use an address"),
    SshErrorKind.REFUSED: (
        "no SSH server listens on port {port}",
        "check the port, and that sshd runs on the server",
    ),
    SshErrorKind.NO_ROUTE: (
        "there is no route to {host}",
        "check this machine's network, VPN and IPv6, or set a jump host",
    ),
    SshErrorKind.TIMEOUT: (
        "{host} did not answer in time",
        "check that the server is up and that no firewall drops port {port}",
    ),
    SshErrorKind.LOST: (
        "the server closed the connection before the login was complete",
        "it may limit connections (MaxStartups, PerSourcePenalties, fail2ban): wait 1 min, then try again; or the "
        "account has expired",
    ),
}


def of_kind(kind: SshErrorKind, where: str, host: str, port: int, via: str = "") -> SshError:
    """The standard words for a failure to reach a server."""
    what, advice = _TOLD[kind]
    told = what.format(host=host, port=port) + (f", seen from {via}" if via else "")
    if kind is SshErrorKind.LOST:
        return ConnectionLost(where, told, advice)
    return SshError(told, where, advice.format(host=host, port=port), kind=kind)


def translate(error: BaseException, where: str, host: str, port: int, via: str = "") -> SshError:
    """The SshError for anything that connecting raises except a refused login or host key."""
    if isinstance(error, SshError):
        return error
    if isinstance(error, TimeoutError):
        return of_kind(SshErrorKind.TIMEOUT, where, host, port, via)
    if isinstance(error, socket.gaierror):
        return of_kind(SshErrorKind.NAME, where, host, port, via)
    text = printable(str(error))
    if isinstance(error, OSError | asyncssh.ChannelOpenError):
        if isinstance(error, asyncssh.ChannelOpenError) and error.code == asyncssh.OPEN_ADMINISTRATIVELY_PROHIBITED:
            what, advice = (
                f"{via} does not forward connections",
                "allow it in its sshd_config: AllowTcpForwarding, PermitOpen",
            )
            return SshError(what, where, advice, kind=SshErrorKind.NO_ROUTE)
        kind = _BY_ERRNO.get(getattr(error, "errno", None) or 0) or _by_text(text)
        if kind is not None:
            return of_kind(kind, where, host, port, via)
        return SshError(
            f"cannot connect: {text}", where, "check the address and the network", kind=SshErrorKind.NO_ROUTE
        )
    if isinstance(error, asyncssh.ConnectionLost):
        return of_kind(SshErrorKind.LOST, where, host, port, via)
    if isinstance(error, asyncssh.KeyExchangeFailed):
        return SshError(
            f"no algorithm in common: {text}",
            where,
            "the server's OpenSSH is too old or restricted: look at its sshd_config",
        )
    return SshError(f"this is not a usable SSH server: {text}", where, f"check that port {port} is the SSH port")


def _by_text(text: str) -> SshErrorKind | None:
    return next((kind for pattern, kind in _BY_TEXT if re.search(pattern, text, re.IGNORECASE)), None)


def login_refused(where: str, user: str, tried: dict[str, int], unusable: list[str], skipped: int) -> SshError:
    """The error for a server that accepted no login; it names what was tried."""
    parts = []
    if keys := tried.get("publickey", 0):
        parts.append(f"{keys} key{'s' if keys > 1 else ''}")
    for method in ("password", "keyboard-interactive"):
        if count := tried.get(method, 0):
            parts.append(f"{method} ({count} time{'s' if count > 1 else ''})")
    told = f"tried: {', '.join(parts)}" if parts else "there was no key to offer, and no password was given"
    hints = list(unusable)
    if skipped:
        hints.append(f"{skipped} more keys were not offered, because servers allow six attempts: set identity_file")
    hints.append(f"add a public key to ~{user}/.ssh/authorized_keys there, or set user and identity_file")
    return SshError(f"the login as {user} was refused; {told}", where, "; ".join(hints), kind=SshErrorKind.AUTH)
