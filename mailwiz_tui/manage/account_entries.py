"""What an installation's accounts are: domains, mailboxes, aliases, and what came of adding and removing."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class DomainEntry:
    """A domain in the accounts' database; one that left the plan is not ``active`` and takes no mail."""

    domain: str
    active: bool
    mailboxes: int
    aliases: int


@dataclass(frozen=True, slots=True)
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


@dataclass(frozen=True, slots=True)
class AliasEntry:
    """An address and target addresses; a catch-all's address is ``@domain``."""

    address: str
    goto: tuple[str, ...]
    active: bool

    @property
    def catch_all(self) -> bool:
        """Whether it takes what no other address of its domain takes."""
        return self.address.startswith("@")


@dataclass(frozen=True, slots=True)
class AccountBook:
    """All domains, mailboxes and aliases of an installation; ``stores`` where there are several."""

    domains: tuple[DomainEntry, ...] = ()
    mailboxes: tuple[MailboxEntry, ...] = ()
    aliases: tuple[AliasEntry, ...] = ()
    stores: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Added:
    """A new mailbox: the password if it was made for it, and where mail of a former mailbox was found again.

    ``store``: where it is, of several stores.
    """

    address: str
    generated: SecretStr | None = None
    found_mail: str = ""
    store: str = ""


@dataclass(frozen=True, slots=True)
class Removed:
    """A removed mailbox: where its mail lies (or lay, if ``deleted``), and aliases that still lead to it.

    ``store``: the one of several stores that it was on.
    """

    address: str
    home: str
    deleted: bool
    aliases: tuple[str, ...]
    store: str = ""
