"""Requests about the accounts that an installation begins with, and the mailboxes that verification uses."""

from __future__ import annotations

from dataclasses import dataclass

from .codec import Secret
from .request import Request


@dataclass(frozen=True)
class FirstMailbox:
    """A mailbox that must exist, and the password that it gets unless the operator has one."""

    address: str
    password: Secret


@dataclass(frozen=True)
class FirstAlias:
    """An alias that must exist."""

    address: str
    goto: str


@dataclass(frozen=True)
class PasswordsSet:
    """The addresses whose password is now the one given."""

    addresses: tuple[str, ...]


@dataclass(frozen=True)
class EnsureAccounts(Request[PasswordsSet]):
    """Domains, mailboxes and aliases that must exist; nothing that exists is changed."""

    accounts: tuple[FirstMailbox, ...]
    aliases: tuple[FirstAlias, ...]
    domains: tuple[str, ...]


@dataclass(frozen=True)
class AcknowledgeAccounts(Request[None]):
    """The operator has these passwords."""

    addresses: tuple[str, ...]


@dataclass(frozen=True)
class EnsureAdministrator(Request[PasswordsSet]):
    """The admin panel's first administrator, unless there is one that the operator knows."""

    address: str
    password: Secret


@dataclass(frozen=True)
class AcknowledgeAdministrator(Request[None]):
    """The operator has the administrator's password."""

    address: str


@dataclass(frozen=True)
class OpenProbeMailbox(Request[None]):
    """Opens the verification mailbox for as long as the connection lives; ``store`` is one of several."""

    address: str
    password: Secret
    store: str = ""


@dataclass(frozen=True)
class CloseProbeMailbox(Request[None]):
    """Closes the verification mailbox and empties it."""

    address: str
