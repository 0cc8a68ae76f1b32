"""Requests about accounts: mailboxes, aliases and domains of the running mail server, looked at and changed."""

from __future__ import annotations

from dataclasses import dataclass

from .codec import Secret
from .request import Request


@dataclass(frozen=True)
class DomainEntry:
    """A domain in the accounts' database; one that left the plan is not ``active`` and takes no mail."""

    domain: str
    active: bool
    mailboxes: int
    aliases: int


@dataclass(frozen=True)
class MailboxEntry:
    """A mailbox; ``quota`` and ``used`` in bytes, a quota of 0 is none; ``created`` is ISO 8601 in UTC.

    Where there are several stores, ``store`` is the one it is on, ``moving_to`` the one it is on its way to.
    """

    address: str
    name: str
    quota: int
    used: int
    messages: int
    active: bool
    created: str
    store: str = ""
    moving_to: str = ""


@dataclass(frozen=True)
class AliasEntry:
    """An address and target addresses; a catch-all's address is ``@domain``."""

    address: str
    goto: tuple[str, ...]
    active: bool

    @property
    def catch_all(self) -> bool:
        """Whether it takes what no other address of its domain takes."""
        return self.address.startswith("@")


@dataclass(frozen=True)
class AccountList:
    """Everything there is."""

    domains: tuple[DomainEntry, ...] = ()
    mailboxes: tuple[MailboxEntry, ...] = ()
    aliases: tuple[AliasEntry, ...] = ()


@dataclass(frozen=True)
class ListAccounts(Request[AccountList]):
    """All domains, mailboxes and aliases; with several ``stores``, also which of them each mailbox is on."""

    stores: tuple[str, ...] = ()


@dataclass(frozen=True)
class AddedMailbox:
    """``found_mail``: where mail of a former mailbox of that name lies, in it again; ``store``: the one chosen."""

    address: str
    found_mail: str = ""
    store: str = ""


@dataclass(frozen=True)
class AddMailbox(Request[AddedMailbox]):
    """A new mailbox; ``quota`` in bytes, 0 for none. Of several ``stores`` on ``store``, or the emptiest."""

    address: str
    password: Secret
    quota: int = 0
    name: str = ""
    stores: tuple[str, ...] = ()
    store: str = ""


@dataclass(frozen=True)
class SetPassword(Request[None]):
    """A new password for a mailbox; ends its sessions."""

    address: str
    password: Secret


@dataclass(frozen=True)
class ChangeMailbox(Request[None]):
    """Another quota (bytes), name, or whether the mailbox is in use; None leaves each as it is."""

    address: str
    quota: int | None = None
    active: bool | None = None
    name: str | None = None


@dataclass(frozen=True)
class RemovedMailbox:
    """``home``: where its mail lies, or lay if ``deleted``; ``aliases`` still lead to it."""

    address: str
    home: str
    deleted: bool
    aliases: tuple[str, ...]


@dataclass(frozen=True)
class RemoveMailbox(Request[RemovedMailbox]):
    """Removes a mailbox; its mail stays unless ``delete_mail``. The first of ``stores`` is this server."""

    address: str
    delete_mail: bool = False
    stores: tuple[str, ...] = ()


@dataclass(frozen=True)
class MailboxPlace:
    """Which store a mailbox is on, and which it is on its way to (empty: none)."""

    store: str
    moving_to: str = ""


@dataclass(frozen=True)
class FindMailbox(Request[MailboxPlace]):
    """Which of several stores a mailbox is on."""

    address: str
    stores: tuple[str, ...]


@dataclass(frozen=True)
class AliasTargets:
    """What an address leads to now; nothing where the alias is gone."""

    address: str
    goto: tuple[str, ...]


@dataclass(frozen=True)
class AddAlias(Request[AliasTargets]):
    """Lets an address (or ``@domain``) lead to further ones."""

    address: str
    goto: tuple[str, ...]


@dataclass(frozen=True)
class RemoveAlias(Request[AliasTargets]):
    """Removes an alias, or only some of what it leads to."""

    address: str
    goto: tuple[str, ...] = ()


@dataclass(frozen=True)
class FoundMail:
    """Where mail of a former mailbox of that name lies on a store; empty where there is none."""

    found_mail: str = ""


@dataclass(frozen=True)
class MailboxCreated(Request[FoundMail]):
    """Tells a store that a new mailbox is on it."""

    address: str


@dataclass(frozen=True)
class LeftMail:
    """Where mail of a removed mailbox lies on a store, or lay if ``deleted``."""

    home: str
    deleted: bool


@dataclass(frozen=True)
class MailboxRemoved(Request[LeftMail]):
    """Tells a store that a mailbox on it was removed."""

    address: str
    delete_mail: bool = False


@dataclass(frozen=True)
class CopyState:
    """Whether a server's copy of the accounts could be brought up to date."""

    fresh: bool


@dataclass(frozen=True)
class RefreshCopy(Request[CopyState]):
    """Brings a copy of the accounts up to date; ends sessions of ``kick``, tries mail for ``release`` again."""

    kick: tuple[str, ...] = ()
    release: tuple[str, ...] = ()


@dataclass(frozen=True)
class AccountDomains:
    """The mailbox domains of the accounts' database; None where there is none."""

    domains: tuple[str, ...] | None


@dataclass(frozen=True)
class AskAccountDomains(Request[AccountDomains]):
    """Which mailbox domains the accounts have."""
